import { type Browser, chromium } from 'playwright-core';

const ARGS = ['--no-sandbox', '--disable-gpu', '--disable-background-networking'];

/**
 * Starts a browser: that of CONSOLE_TEST_BROWSER; on Linux with an x64 processor the one of the npm package, which needs
 * nothing of the system; elsewhere the Chrome of the system.
 */
export async function launchBrowser(): Promise<Browser> {
  const path = process.env['CONSOLE_TEST_BROWSER'];
  if (path !== undefined) return chromium.launch({ executablePath: path, args: ARGS });
  if (process.platform !== 'linux' || process.arch !== 'x64') return chromium.launch({ channel: 'chrome', args: ARGS });
  const { default: packaged } = await import('@sparticuz/chromium');
  return chromium.launch({ executablePath: await packaged.executablePath(), args: [...ARGS, '--headless=shell'] });
}
