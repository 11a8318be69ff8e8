import { expect, test } from 'vitest';
import type { RequestStory } from '../../../src/features/requests/story.ts';
import { storyText } from '../../../src/features/requests/story-text.ts';
import { visible } from '../../../src/platform/terminal-text.ts';

test("what a CAS answered cannot command the terminal, and its line breaks and the customers' letters stay", () => {
  const attempt = { request_body: '<a>\r\n\t<b/>\r\n</a>', response_body: 'Zoë \u001B]0;owned\u0007 \u0000 \u009B31m' };
  const request = { number: 7, causation_event_id: null };
  const story = { event: null, request, withheld: [], attempts: [attempt], outcomes: [] } as unknown as RequestStory;
  const shown = visible(storyText(story));
  expect(shown).toContain('    <a>\n    \t<b/>\n    </a>\n');
  expect(shown).toContain('Zoë \\u{1b}]0;owned\\u{7} \\u{0} \\u{9b}31m');
  expect(shown).toContain('none: no event made this request');
});
