/**
 * The closed list of reasons for dead letters, with meanings and remedies. docs/errors-intake.md repeats it for
 * operators, and a test compares the two.
 */
export const deadLetterReasons = {
  EMPTY_MESSAGE: {
    meaning: 'The message has no value (a tombstone) or an empty one.',
    remedy: 'Find out who wrote it; the CRM has nothing to delete in this topic.',
  },
  NOT_AVRO: {
    meaning: 'The value does not start with the magic byte 0 and a schema id: it is not in the Confluent wire format.',
    remedy:
      'Let the producer use a serializer of the schema registry that writes the schema id into the value, then send the event again. Where the id is in a header instead, `events release ID --schema N` reads the value.',
  },
  UNKNOWN_SCHEMA: {
    meaning: 'The schema registry answered that it knows no schema with the id in the message.',
    remedy:
      'Register the schema, or point the producer to the registry that the service uses, then send the event again.',
  },
  UNREADABLE: {
    meaning:
      'The bytes do not fit the schema they name, or the schema lacks a field that the service needs, or it is not a CRM action event.',
    remedy: 'The detail names the field. Fix the producer or its schema, then send the event again.',
  },
  UNREADABLE_RECORD: {
    meaning:
      "Kafka's own record cannot be read: its batch is damaged, cannot be unpacked, or is too large unpacked. Key and value are not in the dead letter.",
    remedy: 'The detail names the problem and the offsets. Find out who wrote them, then send the events again.',
  },
  TOO_MANY_COMMANDS: {
    meaning: 'The event alone would make more commands than one event may; nothing of it was done.',
    remedy:
      'The detail names the bound. Split the action in the CRM, for example by service or by distributor, then send smaller events; or resync the subscription.',
  },
  CONTRADICTORY: {
    meaning: 'The event was read and contradicts itself, for example an incoming service that the snapshot lacks.',
    remedy:
      'The detail names the contradiction. Correct it in the CRM, then send the event again, with the same eventId or a new one.',
  },
  PROCESSING_FAILED: {
    meaning:
      'Reading, planning or storing the message failed, twice alone, while an event of our own went through; the others went on without it. Or a text of the event has U+0000, which PostgreSQL cannot store.',
    remedy:
      'The detail names the field or what failed; the error log has more. It may be a fault of the service: report it, then send the event again.',
  },
} as const satisfies Record<string, { meaning: string; remedy: string }>;

export type DeadLetterReason = keyof typeof deadLetterReasons;

/** Why a message cannot be processed; `detail` is for people: the field and the problem with its value. */
export interface DeadLetterCause {
  readonly reason: DeadLetterReason;
  readonly detail: string;
}
