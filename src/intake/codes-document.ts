import { deadLetterReasons } from '../events/dead-letter-reasons.ts';
import { remarks } from './remarks.ts';

/** Returns the whole text of docs/errors-intake.md. */
export function intakeCodesDocument(): string {
  return `# Codes of intake

What the service may record about a message of the CRM. The dispositions are in [events.md](events.md).

## Why a message is a dead letter

In the header \`dead-letter-reason\` of the dead letter topic and in \`inbox.dead_letter_reason\`; the header
\`dead-letter-detail\` has the field and the value. Corrected events may keep their old \`eventId\`, which a dead letter
does not use up. After a fault of the service or of its set-up, the message can be written back to the CRM's topic
unchanged, with key, value and headers.

| code | meaning | what to do |
|---|---|---|
${rows(Object.entries(deadLetterReasons).map(([code, { meaning, remedy }]) => [code, meaning, remedy]))}

An outage is never a reason: while the database or the schema registry is down, reading pauses.

A registry that follows another one may not know a new schema yet. So \`UNKNOWN_SCHEMA\` takes two answers, the second at
least 1.5 s after the first; the partition rests meanwhile, and the others continue. All unknown ids of a batch (at most 500)
wait together. An id that the registry does not know is remembered for 15 s.

## Remarks

In \`inbox.remarks\`, counted in \`conax_intake_remarks_total\`. The event was processed normally.

| code | meaning | what to look for |
|---|---|---|
${rows(Object.entries(remarks).map(([code, { meaning, lookFor }]) => [code, meaning, lookFor]))}
`;
}

function rows(all: readonly (readonly [string, string, string])[]): string {
  return all.map(([code, ...texts]) => `| \`${code}\` | ${texts.join(' | ')} |`).join('\n');
}
