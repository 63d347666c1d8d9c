"""Maps of sounds: coordinates of clips, their colours, and a page in one file that plays them."""
