// Generated from the OpenAPI document and the closed lists by `npm run generate`; do not edit.

/** The description of each field of a body, by call and path; of a kind of run as `kind.MESSAGE`. */
export const FIELD_TEXTS = {
  "queue.add": {
    "type": "A mail stays until it is read; a bark shows at once, a repeating one several times.",
    "message": "1 to 141 characters for a mail, 1 to 129 for a bark; something that shows, and no character that does not: no control, direction or format characters.",
    "start_indication_date_time": "When it is first shown, default now.",
    "display_duration": "Seconds for which a bark is shown, default 20: 1 to 3600.",
    "repetition_count": "How often a repeating bark is shown: 1 to 255.",
    "repetition_interval": "Seconds from one showing of a repeating bark to the next: 10 to 2550 in steps of 10.",
    "smartcard_ca_id": "For this smart card.",
    "subscription_number": "For all smart cards that it has when a run takes it."
  },
  "replay.plan": {
    "from_date": "Events received from then on; of a topic, messages with this time or a later one.",
    "to_date": "Events received before; of a topic, messages with an earlier time.",
    "disposition": "Only events of the inbox with this disposition.",
    "topic": "From this Kafka topic instead of the inbox.",
    "partition": "One partition of the topic: 0 to 1000000.",
    "from_offset": "From this offset of the partition on: 0 to 9007199254740991.",
    "to_offset": "Up to the message before this offset: 0 to 9007199254740991.",
    "subscription_number": "Only events of this subscription.",
    "action_id": "Only events of this CRM action, by the CRM's id of it.",
    "action_type": "Only events of one action type, such as `V: ADD_SERVICE`.",
    "again": "Also sends again what was made then and is made now, for a CAS that lost it.",
    "reason": "Why, for the record."
  },
  "replay.run": {
    "from_date": "Events received from then on; of a topic, messages with this time or a later one.",
    "to_date": "Events received before; of a topic, messages with an earlier time.",
    "disposition": "Only events of the inbox with this disposition.",
    "topic": "From this Kafka topic instead of the inbox.",
    "partition": "One partition of the topic: 0 to 1000000.",
    "from_offset": "From this offset of the partition on: 0 to 9007199254740991.",
    "to_offset": "Up to the message before this offset: 0 to 9007199254740991.",
    "subscription_number": "Only events of this subscription.",
    "action_id": "Only events of this CRM action, by the CRM's id of it.",
    "action_type": "Only events of one action type, such as `V: ADD_SERVICE`.",
    "again": "Also sends again what was made then and is made now, for a CAS that lost it.",
    "window": "How many of its requests wait to be sent at a time; default 500: 1 to 100000.",
    "requests_per_second": "How many requests a second at most: 1 to 100000.",
    "reason": "Why, for the record."
  },
  "replay.outcomes": {
    "from_date": "Outcomes that were stored from then on.",
    "to_date": "Outcomes that were stored before.",
    "subscription_number": "Outcomes of this subscription.",
    "request_number": "The outcome of one request, and those of its action: 1 to 9007199254740991.",
    "topic": "To this topic, which must exist, instead of their own.",
    "latest": "Only the newest outcome of each action.",
    "reason": "Why, for the record."
  },
  "runs.start": {
    "kind.MESSAGE": "A mail, bark or repeating bark message to every card of a selection.",
    "kind": "The kind of the run.",
    "parameters": "What it does: an object that depends on the kind.",
    "parameters.type": "A mail stays until it is read; a bark shows at once, a repeating one several times.",
    "parameters.message": "1 to 141 characters for a mail, 1 to 129 for a bark; something that shows, and no character that does not: no control, direction or format characters.",
    "parameters.start_indication_date_time": "When it is first shown, default now.",
    "parameters.display_duration": "Seconds for which a bark is shown, default 20: 1 to 3600.",
    "parameters.repetition_count": "How often a repeating bark is shown: 1 to 255.",
    "parameters.repetition_interval": "Seconds from one showing of a repeating bark to the next: 10 to 2550 in steps of 10.",
    "selection": "For whom: an object that depends on the kind.",
    "selection.all": "Everything known; only without another filter.",
    "selection.product.id": "With an effective service of this product, by the id of the product or the service.",
    "selection.product.code": "With an effective service of this product, by its code.",
    "selection.product.alternative_code": "With an effective service of this product, by its alternative code.",
    "selection.subscription_states": "Of subscriptions in one of these states.",
    "selection.distributor": "With this distributor of the card, or of any card of the subscription; null: without one.",
    "selection.cards": "These smart cards, known or not.",
    "hold": "Collect and count the targets, and wait until the run is resumed.",
    "kind.FINGERPRINT": "A fingerprint on the screen of every card of a selection.",
    "parameters.display_date_time": "When it is shown, default now.",
    "parameters.duration": "Seconds for which it is shown, default 20: 1 to 3600.",
    "parameters.position_x": "Where on the screen, from the left: 0 to 10000.",
    "parameters.position_y": "Where on the screen, from the top: 0 to 10000.",
    "parameters.height": "Its height: 1 to 10000.",
    "parameters.fingerprint_slot": "The fingerprint slot: 0 to 255.",
    "kind.QUEUE": "Every message that waits in the communication queue.",
    "kind.RESYNC": "Sends again what the newest snapshots of subscriptions entitle: pairings, then services.",
    "selection.subscriptions": "These subscriptions, which must be known.",
    "selection.refused_with": "With a request that was REJECTED with this error code.",
    "selection.refused_since": "With such a request that was submitted from then on.",
    "kind.RECONCILE": "Asks the CAS what is active on cards, and compares it with what the newest snapshots entitle.",
    "kind.RECONCILE_FIX": "Fixes the differences that a reconcile run found.",
    "parameters.only": "Fixes only what was found so; by default everything.",
    "selection.run": "The number of the reconcile run."
  },
  "schedules.add": {
    "name": "The name of the schedule; no two have the same.",
    "kind": "The kind of its runs.",
    "cron": "Minute, hour, day of the month, month, day of the week: `0 8 * * MON-FRI`.",
    "time_zone": "On whose clocks; an IANA name such as `Asia/Nicosia`.",
    "parameters": "The run's parameters, in the form of `POST /runs`.",
    "selection": "The run's selection, in the form of `POST /runs`."
  }
} as const;

/** What to do about a dead letter, by its reason. */
export const DEAD_LETTER_REMEDIES: Readonly<Record<string, string>> = {
  "EMPTY_MESSAGE": "Find out who wrote it; the CRM has nothing to delete in this topic.",
  "NOT_AVRO": "Let the producer use a serializer of the schema registry that writes the schema id into the value, then send the event again. Where the id is in a header instead, `events release ID --schema N` reads the value.",
  "UNKNOWN_SCHEMA": "Register the schema, or point the producer to the registry that the service uses, then send the event again.",
  "UNREADABLE": "The detail names the field. Fix the producer or its schema, then send the event again.",
  "UNREADABLE_RECORD": "The detail names the problem and the offsets. Find out who wrote them, then send the events again.",
  "TOO_MANY_COMMANDS": "The detail names the bound. Split the action in the CRM, for example by service or by distributor, then send smaller events; or resync the subscription.",
  "CONTRADICTORY": "The detail names the contradiction. Correct it in the CRM, then send the event again, with the same eventId or a new one.",
  "PROCESSING_FAILED": "The detail names the field or what failed; the error log has more. It may be a fault of the service: report it, then send the event again."
};

/** What each state of a run means. */
export const RUN_STATES = {
  "PREPARING": "The worker collects its targets; nothing is sent. The worker acts next.",
  "READY": "Its targets are collected and counted. A person acts next and starts it (`runs resume`).",
  "RUNNING": "The worker makes requests for its targets, a limited number at a time. The worker acts next.",
  "STOPPED": "Nothing more is sent: requests that nobody had claimed are withdrawn, claimed ones finish. A person resumes it.",
  "COMPLETED": "Final: every target is done, and the counts by outcome are stored.",
  "FAILED": "The worker failed several times in a row; `failure` has the error. A person fixes the cause and resumes it."
} as const;
