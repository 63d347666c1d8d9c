/* Starts the page, or says why it cannot start. A plain script: it runs from a file, too. */

(() => {
  const here = document.currentScript.src;

  function refuse(sentence) {
    const problem = document.getElementById("try-problem");
    problem.textContent = sentence;
    problem.hidden = false;
  }

  function start() {
    if (location.protocol === "file:") {
      return refuse(
        "This page was opened as a file, from which browsers load no models. Serve the folder " +
          "instead: python -m http.server --directory docs/_build/html, then open " +
          "http://localhost:8000/guide/browser.html.",
      );
    }
    if (typeof WebAssembly !== "object") {
      return refuse(
        "This browser has no WebAssembly, in which the encoder runs, or it is switched off. Allow " +
          "it in the settings of the browser, or use another browser.",
      );
    }
    return import(new URL("page.js", here)).then(
      ({ open }) => open(),
      (error) => refuse(`The scripts of this page could not be loaded (${error.message}).`),
    );
  }

  start();
})();
