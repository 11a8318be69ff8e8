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

test('attempts in a row that brought the same are shown once, with how many there were', () => {
  const busy = { command: 'ADD_SUBSCRIPTIONS', answer: 'try-later', code: 'SYSTEM_ERROR', description: 'busy' };
  const attempts = [
    ...Array.from({ length: 60 }, (_, index) => ({
      attempt: index + 1,
      ...busy,
      request_body: '<try/>',
      response_body: null,
    })),
    { attempt: 61, command: 'ADD_SUBSCRIPTIONS', answer: 'accepted', request_body: null, response_body: null },
  ];
  const request = { number: 7, causation_event_id: null };
  const story = { event: null, request, withheld: [], attempts, outcomes: [] } as unknown as RequestStory;
  const shown = storyText(story);
  expect(shown).toMatch(
    /Attempts \(61\)\n-+\n {2}60 attempts with the same result, the last of them:\n {2}attempt +60\n/,
  );
  expect(shown.match(/<try/g)).toHaveLength(1);
  expect(shown).toMatch(/ {2}attempt +61\n {2}command +ADD_SUBSCRIPTIONS\n {2}answer +accepted/);
});
