import { endLine, showInPlace } from './output.ts';

/**
 * A line on standard error with the progress of a long command. On a terminal it replaces itself; elsewhere it comes
 * seldom.
 */
export interface ProgressLine {
  /** Shows the text, unless one was shown a moment ago. */
  show(text: string): void;
  /** Keeps the last one on the screen. */
  end(): void;
}

const TERMINAL_EVERY_MS = 200;
const ELSEWHERE_EVERY_MS = 2_000;

export function progressLine(): ProgressLine {
  let shownAt = performance.now();
  return {
    show(text) {
      const now = performance.now();
      if (now - shownAt < (process.stderr.isTTY ? TERMINAL_EVERY_MS : ELSEWHERE_EVERY_MS)) return;
      shownAt = now;
      showInPlace(text);
    },
    end: endLine,
  };
}
