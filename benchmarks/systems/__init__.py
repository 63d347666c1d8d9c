"""The systems that are compared, each written once; measures nothing itself."""
