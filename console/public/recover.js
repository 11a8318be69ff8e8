/**
 * Loads the page again if the instance that was asked for one of its scripts or styles does not have it: while the service
 * is upgraded, instances of two versions run behind one address, and each has the files of its own version. Each time waits
 * twice as long; then a message says what to do. The page of every version asks for this file, which has no name of its own
 * version.
 */
(() => {
  const KEY = 'conax-console-reloads';
  const RELOADS_MAX = 5;
  const FIRST_WAIT_MS = 500;
  /** If a page has had all its files for this time, the next reload is the first one again. */
  const STABLE_MS = 60_000;
  let isMissing = false;

  const stable = setTimeout(() => sessionStorage.removeItem(KEY), STABLE_MS);

  function recover() {
    if (isMissing) return;
    isMissing = true;
    clearTimeout(stable);
    const reloads = Number(sessionStorage.getItem(KEY) ?? 0);
    if (reloads >= RELOADS_MAX) {
      sessionStorage.removeItem(KEY);
      const message = document.createElement('p');
      message.role = 'alert';
      message.style.padding = '1rem';
      message.textContent =
        'A part of this page is missing: the service is being upgraded, or was. Load the page again in a minute.';
      (document.body ?? document.documentElement).prepend(message);
      return;
    }
    sessionStorage.setItem(KEY, String(reloads + 1));
    setTimeout(() => location.reload(), FIRST_WAIT_MS * 2 ** reloads);
  }

  // An element that cannot load its file reports it to itself only, so this listens on the way down.
  addEventListener(
    'error',
    ({ target }) => {
      const file =
        target instanceof HTMLScriptElement ? target.src : target instanceof HTMLLinkElement ? target.href : '';
      if (/\/assets\/[^/]+\.(js|css)$/.test(file)) recover();
    },
    true,
  );
  // Vite reports a page's part that could not be imported.
  addEventListener('vite:preloadError', recover);
})();
