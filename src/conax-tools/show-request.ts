import { sampleText } from '../conax-checks/request-check.ts';
import { sampleFields } from '../conax-checks/samples.ts';
import type { CasCommand } from '../conax/cas-definition.types.ts';
import type { Mask } from '../platform/masking.ts';
import { render } from '../conax/template.ts';

/**
 * Returns a command's request filled with samples: with as little in it as there can be, and with as much.
 * @param entitled whether entitlements end; null if that is not known.
 * @param hide masks the constants of the template that are secrets.
 */
export function sampleRequests(
  { type, template }: CasCommand,
  entitled: boolean | null = null,
  hide: Mask = (text) => text,
): {
  readonly smallest: string;
  readonly largest: string;
} {
  const requests = (entitled === null ? [false, true] : [entitled])
    .flatMap((one) => sampleFields(type, sampleText, one))
    .map((values) => hide(render(template, values)))
    .toSorted((a, b) => a.length - b.length);
  return { smallest: requests[0] ?? '', largest: requests.at(-1) ?? '' };
}

/** Returns XML with a line for each element, for people: white space between elements is not as it is sent. */
export function indented(xml: string): string {
  let depth = 0;
  return xml
    .replaceAll(/>\s*</g, '>\n<')
    .split('\n')
    .map((line) => {
      if (line.startsWith('</')) depth = Math.max(0, depth - 1);
      const shown = `${'  '.repeat(depth)}${line}`;
      if (/^<[^/?!]/.test(line) && !/\/>$|<\/[^<>]*>$/.test(line)) depth += 1;
      return shown;
    })
    .join('\n');
}
