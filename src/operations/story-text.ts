import type { RequestStory } from './request-story.ts';

/** The story as text, in the order in which it happened; what prints it makes it safe for a terminal. */
export function storyText(story: RequestStory): string {
  const { event, request, withheld, attempts, outcomes } = story;
  const parts = [
    heading(`Provisioning request ${text(request['number'])}`),
    fields(request, [
      'id',
      'type',
      'life_cycle_state',
      'priority',
      'subscription_number',
      'command',
      'cards',
      'process_name',
      'process_id',
      'created_by_user',
      'created_by_unit',
      'updated_by_user',
      'action_id',
      'action_number',
      'sequence_number',
      'scheduled_at',
      'submitted_at',
      'executed_at',
      'attempts',
      'reference_number',
      'error_code',
      'error_description',
      'answer',
    ]),
    heading('Event'),
    event
      ? fields(
          event,
          Object.keys(event).filter((name) => name !== 'event'),
        )
      : missingEvent(request),
    event ? indent(JSON.stringify(event['event'], null, 2), '  ') : '',
  ];
  if (withheld.length > 0)
    parts.push(heading('Withheld by the same event'), ...withheld.map((one) => fields(one, Object.keys(one)) + '\n'));
  parts.push(heading(`Attempts (${attempts.length})`));
  for (const attempt of attempts) {
    const { request_body: sent, response_body: received, ...rest } = attempt;
    parts.push(
      fields(rest, Object.keys(rest)),
      '  sent:',
      indent(text(sent), '    '),
      '  received:',
      indent(text(received), '    '),
      '',
    );
  }
  parts.push(heading(`Outcomes (${outcomes.length})`));
  for (const outcome of outcomes) parts.push(fields(outcome, Object.keys(outcome)), '');
  return `${parts.filter((part, index) => part !== '' || parts[index - 1] !== '').join('\n')}\n`;
}

function missingEvent({ causation_event_id: eventId }: Record<string, unknown>): string {
  if (typeof eventId !== 'string') return '  none: no event made this request';
  return `  ${eventId}, which is no longer kept (RETENTION_EVENTS_DAYS)`;
}

function heading(title: string): string {
  return `\n${title}\n${'-'.repeat(title.length)}`;
}

function fields(row: Record<string, unknown>, names: readonly string[]): string {
  const shown = names.filter((name) => row[name] !== null && row[name] !== undefined);
  const width = Math.max(0, ...shown.map((name) => name.length));
  return shown.map((name) => `  ${name.padEnd(width)}  ${text(row[name])}`).join('\n');
}

function indent(lines: string, by: string): string {
  return lines.replace(/^/gm, by);
}

function text(value: unknown): string {
  if (value === null || value === undefined) return '-';
  if (value instanceof Date) return value.toISOString();
  // A carriage return would count as a line of its own when lines are indented.
  return typeof value === 'string' ? value.replaceAll('\r\n', '\n') : JSON.stringify(value);
}
