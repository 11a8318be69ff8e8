import type { RequestStory } from './story.ts';

/** Returns the story as text, in the order in which it happened. What prints it makes it safe for a terminal. */
export function storyText({ event, request, withheld, attempts, outcomes }: RequestStory): string {
  // The bodies are among the attempts.
  const { number, log_information: log, request: _request, response: _response, ...facts } = request;
  const parts = [
    heading(`Provisioning request ${number}`),
    fields({ ...facts, ...log }),
    heading('Event'),
    ...(event === null
      ? [missingEvent(request)]
      : [fields({ ...event, event: null }), indent(JSON.stringify(event.event, null, 2), '  ')]),
  ];
  if (withheld.length > 0) {
    parts.push(heading('Withheld by the same event'), ...withheld.map((one) => `${fields(one)}\n`));
  }
  parts.push(heading(`Attempts (${attempts.length})`));
  for (const { alike, last } of folded(attempts)) {
    const { request_body: sent, response_body: received, ...rest } = last;
    if (alike > 1) parts.push(`  ${alike} attempts with the same result, the last of them:`);
    parts.push(fields(rest), '  sent:', indent(text(sent), '    '), '  received:', indent(text(received), '    '), '');
  }
  parts.push(heading(`Outcomes (${outcomes.length})`), ...outcomes.map((outcome) => `${fields(outcome)}\n`));
  return `${parts.join('\n')}\n`;
}

/** Attempts in a row that brought the same: a CAS that is away for a day makes hundreds. */
function folded(attempts: RequestStory['attempts']): { alike: number; last: RequestStory['attempts'][number] }[] {
  const groups: { alike: number; last: RequestStory['attempts'][number] }[] = [];
  for (const attempt of attempts) {
    const group = groups.at(-1);
    if (group !== undefined && resultOf(group.last) === resultOf(attempt))
      Object.assign(group, { alike: group.alike + 1, last: attempt });
    else groups.push({ alike: 1, last: attempt });
  }
  return groups;
}

function resultOf({ command, answer, code, description }: RequestStory['attempts'][number]): string {
  return JSON.stringify([command, answer, code, description]);
}

function missingEvent({ causation_event_id: eventId }: RequestStory['request']): string {
  if (eventId === null) return '  none: no event made this request';
  return `  ${eventId}, which is no longer kept (RETENTION_EVENTS_DAYS)`;
}

function heading(title: string): string {
  return `\n${title}\n${'-'.repeat(title.length)}`;
}

function fields(row: object): string {
  const shown = Object.entries(row).filter(([, value]) => value !== null);
  const width = Math.max(0, ...shown.map(([name]) => name.length));
  return shown.map(([name, value]) => `  ${name.padEnd(width)}  ${text(value)}`).join('\n');
}

function indent(lines: string, by: string): string {
  return lines.replace(/^/gm, by);
}

function text(value: unknown): string {
  if (value === null) return '-';
  // A carriage return would count as a line of its own when lines are indented.
  return typeof value === 'string' ? value.replaceAll('\r\n', '\n') : JSON.stringify(value);
}
