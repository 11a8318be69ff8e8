// Generated from the OpenAPI document by `npm run generate`; do not edit.

/** Method, path and the least role of each call. */
export const ROUTES = {
  'session.show': {"method":"GET","path":"/session","role":"viewer"},
  'session.start': {"method":"POST","path":"/session"},
  'session.end': {"method":"POST","path":"/session/end"},
  'audit.list': {"method":"GET","path":"/audit","role":"admin"},
  'fingerprint': {"method":"POST","path":"/utilities/fingerprints","role":"operator"},
  'info': {"method":"POST","path":"/utilities/information","role":"operator"},
  'message.send': {"method":"POST","path":"/utilities/messages","role":"operator"},
  'overview': {"method":"GET","path":"/overview","role":"viewer"},
  'pair.create': {"method":"POST","path":"/utilities/pairing/create","role":"operator"},
  'pair.add': {"method":"POST","path":"/utilities/pairing/add","role":"operator"},
  'pair.status': {"method":"POST","path":"/utilities/pairing/status","role":"operator"},
  'pin.reset': {"method":"POST","path":"/utilities/pin/default","role":"operator"},
  'pin.set': {"method":"POST","path":"/utilities/pin/given","role":"operator"},
  'pin.change-key': {"method":"POST","path":"/utilities/pin/change_key","role":"admin"},
  'provider.status': {"method":"GET","path":"/provider","role":"viewer"},
  'provider.history': {"method":"GET","path":"/provider/history","role":"viewer"},
  'provider.pause': {"method":"POST","path":"/provider/pause","role":"admin"},
  'provider.resume': {"method":"POST","path":"/provider/resume","role":"admin"},
  'queue.list': {"method":"GET","path":"/queue","role":"viewer"},
  'queue.add': {"method":"POST","path":"/queue","role":"operator"},
  'queue.show': {"method":"GET","path":"/queue/{number}","role":"viewer"},
  'queue.remove': {"method":"POST","path":"/queue/{number}/remove","role":"operator"},
  'reconcile.fix': {"method":"GET","path":"/runs/{id}/fixes","role":"viewer"},
  'reconcile.show': {"method":"GET","path":"/runs/{id}/differences","role":"viewer"},
  'replay.plan': {"method":"POST","path":"/replays/plan","role":"operator"},
  'replay.list': {"method":"GET","path":"/replays","role":"viewer"},
  'replay.run': {"method":"POST","path":"/replays","role":"operator"},
  'replay.outcomes': {"method":"POST","path":"/replays/outcomes","role":"operator"},
  'replay.show': {"method":"GET","path":"/replays/{id}","role":"viewer"},
  'replay.plan-rows': {"method":"GET","path":"/replays/{id}/plan_rows","role":"viewer"},
  'replay.stop': {"method":"POST","path":"/replays/{id}/stop","role":"operator"},
  'replay.resume': {"method":"POST","path":"/replays/{id}/resume","role":"operator"},
  'replay.preview': {"method":"GET","path":"/replay_plan","role":"viewer"},
  'requests.show': {"method":"GET","path":"/requests/{number}","role":"viewer"},
  'requests.list': {"method":"GET","path":"/requests","role":"viewer"},
  'requests.refusals': {"method":"GET","path":"/requests/refusals","role":"viewer"},
  'requests.process': {"method":"POST","path":"/requests/process","role":"operator"},
  'requests.withdraw': {"method":"POST","path":"/requests/{number}/withdraw","role":"operator"},
  'retention.status': {"method":"GET","path":"/retention","role":"viewer"},
  'runs.list': {"method":"GET","path":"/runs","role":"viewer"},
  'runs.start': {"method":"POST","path":"/runs","role":"operator"},
  'runs.estimate': {"method":"POST","path":"/runs/estimate","role":"viewer"},
  'runs.show': {"method":"GET","path":"/runs/{id}","role":"viewer"},
  'runs.stop': {"method":"POST","path":"/runs/{id}/stop","role":"operator"},
  'runs.resume': {"method":"POST","path":"/runs/{id}/resume","role":"operator"},
  'runs.cards': {"method":"GET","path":"/runs/{id}/targets","role":"viewer"},
  'schedules.list': {"method":"GET","path":"/schedules","role":"viewer"},
  'schedules.add': {"method":"POST","path":"/schedules","role":"operator"},
  'schedules.times': {"method":"GET","path":"/schedule_times","role":"viewer"},
  'schedules.enable': {"method":"POST","path":"/schedules/{name}/enable","role":"operator"},
  'schedules.disable': {"method":"POST","path":"/schedules/{name}/disable","role":"operator"},
  'schedules.remove': {"method":"POST","path":"/schedules/{name}/remove","role":"operator"},
  'schedules.history': {"method":"GET","path":"/schedules/{name}/history","role":"viewer"},
  'users.list': {"method":"GET","path":"/users","role":"admin"},
  'users.add': {"method":"POST","path":"/users","role":"admin"},
  'users.reset_password': {"method":"POST","path":"/users/reset_password","role":"admin"},
  'users.disable': {"method":"POST","path":"/users/{username}/disable","role":"admin"},
  'users.enable': {"method":"POST","path":"/users/{username}/enable","role":"admin"},
  'events.held': {"method":"GET","path":"/held_events","role":"viewer"},
  'events.dead-letters': {"method":"GET","path":"/dead_letters","role":"viewer"},
  'events.list': {"method":"GET","path":"/events","role":"viewer"},
  'events.show': {"method":"GET","path":"/events/{id}","role":"viewer"},
  'events.preview': {"method":"GET","path":"/events/{id}/preview","role":"viewer"},
  'events.release': {"method":"POST","path":"/events/{id}/release","role":"operator"},
  'events.discard': {"method":"POST","path":"/events/{id}/discard","role":"operator"},
  'why': {"method":"GET","path":"/why","role":"viewer"},
} as const;

/** Input and output of each call. */
/**
 * The new PIN; never shown, logged or stored in the clear.
 */
export type PIN = string

export interface Calls {
"session.show": {
input: {

}
output: Session
}
"session.start": {
input: {
username: string
password: string
organisation: string
}
output: Session
}
"session.end": {
input: {

}
output: EndedSession
}
"audit.list": {
input: {
user?: string
operation?: string
since?: string
until?: string
limit?: number
before?: number
}
output: AuditEntries
}
fingerprint: {
input: {
/**
 * When it is shown, default now. Without zone UTC; an offset is accepted.
 */
display_date_time?: string
/**
 * Seconds for which it is shown, default 20: 1 to 3600.
 */
duration?: number
/**
 * Where on the screen, from the left: 0 to 10000.
 */
position_x: number
/**
 * Where on the screen, from the top: 0 to 10000.
 */
position_y: number
/**
 * Its height: 1 to 10000.
 */
height: number
/**
 * The fingerprint slot: 0 to 255.
 */
fingerprint_slot: number
/**
 * By its id or number. Without CA ids all its devices are meant, else they have to be of it.
 */
subscription_identifier?: {
id?: string
number?: string
}
/**
 * Smart card CA ids.
 * 
 * @minItems 1
 * @maxItems 100
 */
smartcard_ca_ids?: string[]
/**
 * Whether it is sent at once, and the outcome waited for; default true, unless it is scheduled.
 */
wait?: boolean
/**
 * Not sent before; without it due at once. UTC without a zone.
 */
scheduled_date?: string
}
output: UtilityOutcome
}
info: {
input: {
/**
 * By its id or number. Without CA ids all its devices are meant, else they have to be of it.
 */
subscription_identifier?: {
id?: string
number?: string
}
/**
 * Smart card CA ids.
 * 
 * @minItems 1
 * @maxItems 100
 */
smartcard_ca_ids?: string[]
}
output: InformationOutcome
}
"message.send": {
input: {
/**
 * A mail stays until it is read; a bark shows at once, a repeating one several times.
 */
type: ("MAIL" | "BARK" | "REPEATING_BARK")
/**
 * 1 to 141 characters for a mail, 1 to 129 for a bark; something that shows, and no character that does not: no control, direction or format characters.
 */
message: string
/**
 * When it is first shown, default now. Without zone UTC; an offset is accepted.
 */
start_indication_date_time?: string
/**
 * Seconds for which a bark is shown, default 20: 1 to 3600.
 */
display_duration?: number
/**
 * How often a repeating bark is shown: 1 to 255.
 */
repetition_count?: number
/**
 * Seconds from one showing of a repeating bark to the next: 10 to 2550 in steps of 10.
 */
repetition_interval?: number
/**
 * By its id or number. Without CA ids all its devices are meant, else they have to be of it.
 */
subscription_identifier?: {
id?: string
number?: string
}
/**
 * Smart card CA ids.
 * 
 * @minItems 1
 * @maxItems 100
 */
smartcard_ca_ids?: string[]
/**
 * Whether it is sent at once, and the outcome waited for; default true, unless it is scheduled.
 */
wait?: boolean
/**
 * Not sent before; without it due at once. UTC without a zone.
 */
scheduled_date?: string
}
output: UtilityOutcome
}
overview: {
input: {

}
output: Overview
}
"pair.create": {
input: {
/**
 * By its id or number. Without CA ids all its devices are meant, else they have to be of it.
 */
subscription_identifier?: {
id?: string
number?: string
}
/**
 * Smart card CA ids.
 * 
 * @minItems 1
 * @maxItems 100
 */
smartcard_ca_ids?: string[]
/**
 * STB CA ids.
 * 
 * @minItems 1
 * @maxItems 100
 */
stb_ca_ids?: string[]
/**
 * Whether it is sent at once, and the outcome waited for; default true, unless it is scheduled.
 */
wait?: boolean
/**
 * Not sent before; without it due at once. UTC without a zone.
 */
scheduled_date?: string
}
output: UtilityOutcome
}
"pair.add": {
input: {
/**
 * By its id or number. Without CA ids all its devices are meant, else they have to be of it.
 */
subscription_identifier?: {
id?: string
number?: string
}
/**
 * Smart card CA ids.
 * 
 * @minItems 1
 * @maxItems 100
 */
smartcard_ca_ids?: string[]
/**
 * STB CA ids.
 * 
 * @minItems 1
 * @maxItems 100
 */
stb_ca_ids?: string[]
/**
 * A card of the pairing that is added to.
 */
existing_smartcard_ca_id?: string
/**
 * Whether it is sent at once, and the outcome waited for; default true, unless it is scheduled.
 */
wait?: boolean
/**
 * Not sent before; without it due at once. UTC without a zone.
 */
scheduled_date?: string
}
output: UtilityOutcome
}
"pair.status": {
input: {
/**
 * By its id or number. Without CA ids all its devices are meant, else they have to be of it.
 */
subscription_identifier?: {
id?: string
number?: string
}
/**
 * Smart card CA ids.
 * 
 * @minItems 1
 * @maxItems 100
 */
smartcard_ca_ids?: string[]
/**
 * STB CA ids.
 * 
 * @minItems 1
 * @maxItems 100
 */
stb_ca_ids?: string[]
/**
 * Whether it is sent at once, and the outcome waited for; default true, unless it is scheduled.
 */
wait?: boolean
/**
 * Not sent before; without it due at once. UTC without a zone.
 */
scheduled_date?: string
}
output: PairingStatusOutcome
}
"pin.reset": {
input: {
/**
 * By its id or number. Without CA ids all its devices are meant, else they have to be of it.
 */
subscription_identifier?: {
id?: string
number?: string
}
/**
 * Smart card CA ids.
 * 
 * @minItems 1
 * @maxItems 100
 */
smartcard_ca_ids?: string[]
/**
 * Whether it is sent at once, and the outcome waited for; default true, unless it is scheduled.
 */
wait?: boolean
/**
 * Not sent before; without it due at once. UTC without a zone.
 */
scheduled_date?: string
}
output: UtilityOutcome
}
"pin.set": {
input: {
/**
 * By its id or number. Without CA ids all its devices are meant, else they have to be of it.
 */
subscription_identifier?: {
id?: string
number?: string
}
/**
 * Smart card CA ids.
 * 
 * @minItems 1
 * @maxItems 100
 */
smartcard_ca_ids?: string[]
pin: PIN
/**
 * Whether it is sent at once, and the outcome waited for; default true, unless it is scheduled.
 */
wait?: boolean
/**
 * Not sent before; without it due at once. UTC without a zone.
 */
scheduled_date?: string
}
output: UtilityOutcome
}
"pin.change-key": {
input: {

}
output: PinKeyChange
}
"provider.status": {
input: {

}
output: Provider
}
"provider.history": {
input: {
limit?: number
before?: number
}
output: ProviderHistory
}
"provider.pause": {
input: {
/**
 * Why, for those who find it paused.
 */
reason: string
}
output: ChangedProvider
}
"provider.resume": {
input: {

}
output: ChangedProvider
}
"queue.list": {
input: {
state?: ("PENDING" | "REJECTED" | "COMPLETED" | "COMPLETED_AND_REMOVED")
after?: number
limit?: number
}
output: QueueEntries
}
"queue.add": {
input: {
/**
 * A mail stays until it is read; a bark shows at once, a repeating one several times.
 */
type: ("MAIL" | "BARK" | "REPEATING_BARK")
/**
 * 1 to 141 characters for a mail, 1 to 129 for a bark; something that shows, and no character that does not: no control, direction or format characters.
 */
message: string
/**
 * When it is first shown, default now. Without zone UTC; an offset is accepted.
 */
start_indication_date_time?: string
/**
 * Seconds for which a bark is shown, default 20: 1 to 3600.
 */
display_duration?: number
/**
 * How often a repeating bark is shown: 1 to 255.
 */
repetition_count?: number
/**
 * Seconds from one showing of a repeating bark to the next: 10 to 2550 in steps of 10.
 */
repetition_interval?: number
/**
 * For this smart card.
 */
smartcard_ca_id?: string
/**
 * For all smart cards that it has when a run takes it.
 */
subscription_number?: string
}
output: QueueEntry
}
"queue.show": {
input: {
number: number
}
output: QueueEntry
}
"queue.remove": {
input: ({
number: number
} & {

})
output: QueueEntry
}
"reconcile.fix": {
input: {
only?: ("MISSING_IN_CAS" | "TOO_MUCH_IN_CAS")
after?: string
limit?: number
id: number
}
output: ReconcileFixes
}
"reconcile.show": {
input: {
outcome?: ("EQUAL" | "DIFFERENT" | "CHANGING" | "NOT_READABLE")
after?: string
limit?: number
id: number
}
output: ReconcileDifferences
}
"replay.plan": {
input: {
/**
 * Events received from then on; of a topic, messages with this time or a later one: ISO 8601, in UTC without a zone; or a date.
 */
from_date?: string
/**
 * Events received before; of a topic, messages with an earlier time: ISO 8601, in UTC without a zone; or a date.
 */
to_date?: string
/**
 * Only events of the inbox with this disposition.
 */
disposition?: ("PLANNED" | "NOTHING_TO_DO" | "STALE")
/**
 * From this Kafka topic instead of the inbox.
 */
topic?: string
/**
 * One partition of the topic: 0 to 1000000.
 */
partition?: number
/**
 * From this offset of the partition on: 0 to 9007199254740991.
 */
from_offset?: number
/**
 * Up to the message before this offset: 0 to 9007199254740991.
 */
to_offset?: number
/**
 * Only events of this subscription.
 */
subscription_number?: string
/**
 * Only events of this CRM action, by the CRM's id of it.
 */
action_id?: string
/**
 * Only events of one action type, such as `V: ADD_SERVICE`.
 */
action_type?: string
/**
 * Also sends again what was made then and is made now, for a CAS that lost it.
 */
again?: boolean
/**
 * Why, for the record.
 */
reason: string
}
output: Replay
}
"replay.list": {
input: {
limit?: number
}
output: Replays
}
"replay.run": {
input: {
/**
 * Events received from then on; of a topic, messages with this time or a later one: ISO 8601, in UTC without a zone; or a date.
 */
from_date?: string
/**
 * Events received before; of a topic, messages with an earlier time: ISO 8601, in UTC without a zone; or a date.
 */
to_date?: string
/**
 * Only events of the inbox with this disposition.
 */
disposition?: ("PLANNED" | "NOTHING_TO_DO" | "STALE")
/**
 * From this Kafka topic instead of the inbox.
 */
topic?: string
/**
 * One partition of the topic: 0 to 1000000.
 */
partition?: number
/**
 * From this offset of the partition on: 0 to 9007199254740991.
 */
from_offset?: number
/**
 * Up to the message before this offset: 0 to 9007199254740991.
 */
to_offset?: number
/**
 * Only events of this subscription.
 */
subscription_number?: string
/**
 * Only events of this CRM action, by the CRM's id of it.
 */
action_id?: string
/**
 * Only events of one action type, such as `V: ADD_SERVICE`.
 */
action_type?: string
/**
 * Also sends again what was made then and is made now, for a CAS that lost it.
 */
again?: boolean
/**
 * How many of its requests wait to be sent at a time; default 500: 1 to 100000.
 */
window?: number
/**
 * How many requests a second at most: 1 to 100000.
 */
requests_per_second?: number
/**
 * Why, for the record.
 */
reason: string
}
output: Replay
}
"replay.outcomes": {
input: {
/**
 * Outcomes that were stored from then on: ISO 8601, in UTC without a zone; or a date.
 */
from_date?: string
/**
 * Outcomes that were stored before: ISO 8601, in UTC without a zone; or a date.
 */
to_date?: string
/**
 * Outcomes of this subscription.
 */
subscription_number?: string
/**
 * The outcome of one request, and those of its action: 1 to 9007199254740991.
 */
request_number?: number
/**
 * To this topic, which must exist, instead of their own.
 */
topic?: string
/**
 * Only the newest outcome of each action.
 */
latest?: boolean
/**
 * Why, for the record.
 */
reason: string
}
output: Replay
}
"replay.show": {
input: {
id: number
}
output: Replay
}
"replay.plan-rows": {
input: {
after?: number
limit?: number
id: number
}
output: ReplayPlanRows
}
"replay.stop": {
input: ({
id: number
} & {

})
output: Replay
}
"replay.resume": {
input: ({
id: number
} & {

})
output: Replay
}
"replay.preview": {
input: {
subscription_number: string
all?: boolean
}
output: ReplayPlan
}
"requests.show": {
input: {
number: string
}
output: RequestStory
}
"requests.list": {
input: {
type?: ("ADD_SUBSCRIPTIONS" | "CANCEL_SUBSCRIPTIONS" | "CREATE_PAIRING" | "ADD_TO_EXISTING_PAIRING" | "GET_ACTIVE_SUBSCRIPTIONS" | "GET_PAIRING_STATUS_FOR_CARD" | "GET_PAIRING_STATUS_FOR_PAIRING_MODULE" | "SEND_MAIL_MESSAGE_TO_CLIENT" | "SEND_BARK_MESSAGE_TO_CLIENT" | "SEND_REPEATING_BARK_MESSAGE_TO_CLIENT" | "DISPLAY_FINGERPRINT" | "UPDATE_CA_PIN_TO_DEFAULT_VALUE" | "UPDATE_CA_PIN_TO_GIVEN_VALUE")
state?: ("PENDING" | "COMPLETED" | "REJECTED")
reference?: string
card?: string
subscription?: string
code?: string
since?: string
until?: string
newest?: boolean
bodies?: boolean
limit?: number
after?: number
}
output: OperationRequests
}
"requests.refusals": {
input: {
since?: string
}
output: Refusals
}
"requests.process": {
input: {
/**
 * The number of a request, which may be scheduled for later: 1 to 999999999999999.
 */
number?: number
/**
 * The due requests of this smart card.
 */
card?: string
/**
 * Answer with the outcome.
 */
wait?: boolean
}
output: ProcessOutcome
}
"requests.withdraw": {
input: ({
number: number
} & {

})
output: OperationRequest
}
"retention.status": {
input: {

}
output: Retention
}
"runs.list": {
input: {
kind?: ("MESSAGE" | "FINGERPRINT" | "QUEUE" | "RESYNC" | "RECONCILE" | "RECONCILE_FIX")
limit?: number
before?: number
}
output: Runs
}
"runs.start": {
input: ({
/**
 * The kind of the run.
 */
kind: "MESSAGE"
/**
 * What it does: an object that depends on the kind.
 */
parameters: {
/**
 * A mail stays until it is read; a bark shows at once, a repeating one several times.
 */
type: ("MAIL" | "BARK" | "REPEATING_BARK")
/**
 * 1 to 141 characters for a mail, 1 to 129 for a bark; something that shows, and no character that does not: no control, direction or format characters.
 */
message: string
/**
 * When it is first shown, default now. Without zone UTC; an offset is accepted.
 */
start_indication_date_time?: string
/**
 * Seconds for which a bark is shown, default 20: 1 to 3600.
 */
display_duration?: number
/**
 * How often a repeating bark is shown: 1 to 255.
 */
repetition_count?: number
/**
 * Seconds from one showing of a repeating bark to the next: 10 to 2550 in steps of 10.
 */
repetition_interval?: number
}
/**
 * For whom: an object that depends on the kind.
 */
selection: {
/**
 * Everything known; only without another filter.
 */
all?: true
product?: {
/**
 * With an effective service of this product, by the id of the product or the service.
 */
id?: string
/**
 * With an effective service of this product, by its code.
 */
code?: string
/**
 * With an effective service of this product, by its alternative code.
 */
alternative_code?: string
}
/**
 * Of subscriptions in one of these states.
 * 
 * @minItems 1
 * @maxItems 7
 */
subscription_states?: ("DRAFT" | "EFFECTIVE" | "NOT_EFFECTIVE" | "SHORT_TERM_EFFECTIVE" | "SHORT_TERM_NOT_EFFECTIVE" | "IN_RESTING" | "TERMINATED")[]
/**
 * With this distributor of the card, or of any card of the subscription; null: without one.
 */
distributor?: (string | null)
/**
 * These smart cards, known or not.
 * 
 * @minItems 1
 * @maxItems 200000
 */
cards?: string[]
}
/**
 * Collect and count the targets, and wait until the run is resumed.
 */
hold?: boolean
} | {
/**
 * The kind of the run.
 */
kind: "FINGERPRINT"
/**
 * What it does: an object that depends on the kind.
 */
parameters: {
/**
 * When it is shown, default now. Without zone UTC; an offset is accepted.
 */
display_date_time?: string
/**
 * Seconds for which it is shown, default 20: 1 to 3600.
 */
duration?: number
/**
 * Where on the screen, from the left: 0 to 10000.
 */
position_x: number
/**
 * Where on the screen, from the top: 0 to 10000.
 */
position_y: number
/**
 * Its height: 1 to 10000.
 */
height: number
/**
 * The fingerprint slot: 0 to 255.
 */
fingerprint_slot: number
}
/**
 * For whom: an object that depends on the kind.
 */
selection: {
/**
 * Everything known; only without another filter.
 */
all?: true
product?: {
/**
 * With an effective service of this product, by the id of the product or the service.
 */
id?: string
/**
 * With an effective service of this product, by its code.
 */
code?: string
/**
 * With an effective service of this product, by its alternative code.
 */
alternative_code?: string
}
/**
 * Of subscriptions in one of these states.
 * 
 * @minItems 1
 * @maxItems 7
 */
subscription_states?: ("DRAFT" | "EFFECTIVE" | "NOT_EFFECTIVE" | "SHORT_TERM_EFFECTIVE" | "SHORT_TERM_NOT_EFFECTIVE" | "IN_RESTING" | "TERMINATED")[]
/**
 * With this distributor of the card, or of any card of the subscription; null: without one.
 */
distributor?: (string | null)
/**
 * These smart cards, known or not.
 * 
 * @minItems 1
 * @maxItems 200000
 */
cards?: string[]
}
/**
 * Collect and count the targets, and wait until the run is resumed.
 */
hold?: boolean
} | {
/**
 * The kind of the run.
 */
kind: "QUEUE"
/**
 * What it does: an object that depends on the kind.
 */
parameters: {

}
/**
 * For whom: an object that depends on the kind.
 */
selection: {

}
/**
 * Collect and count the targets, and wait until the run is resumed.
 */
hold?: boolean
} | {
/**
 * The kind of the run.
 */
kind: "RESYNC"
/**
 * What it does: an object that depends on the kind.
 */
parameters: {

}
/**
 * For whom: an object that depends on the kind.
 */
selection: {
/**
 * Everything known; only without another filter.
 */
all?: true
product?: {
/**
 * With an effective service of this product, by the id of the product or the service.
 */
id?: string
/**
 * With an effective service of this product, by its code.
 */
code?: string
/**
 * With an effective service of this product, by its alternative code.
 */
alternative_code?: string
}
/**
 * Of subscriptions in one of these states.
 * 
 * @minItems 1
 * @maxItems 7
 */
subscription_states?: ("DRAFT" | "EFFECTIVE" | "NOT_EFFECTIVE" | "SHORT_TERM_EFFECTIVE" | "SHORT_TERM_NOT_EFFECTIVE" | "IN_RESTING" | "TERMINATED")[]
/**
 * With this distributor of the card, or of any card of the subscription; null: without one.
 */
distributor?: (string | null)
/**
 * These subscriptions, which must be known.
 * 
 * @minItems 1
 * @maxItems 200000
 */
subscriptions?: string[]
/**
 * With a request that was REJECTED with this error code.
 */
refused_with?: string
/**
 * With such a request that was submitted from then on: ISO 8601, in UTC without a zone; or a date.
 */
refused_since?: string
}
/**
 * Collect and count the targets, and wait until the run is resumed.
 */
hold?: boolean
} | {
/**
 * The kind of the run.
 */
kind: "RECONCILE"
/**
 * What it does: an object that depends on the kind.
 */
parameters: {

}
/**
 * For whom: an object that depends on the kind.
 */
selection: {
/**
 * Everything known; only without another filter.
 */
all?: true
product?: {
/**
 * With an effective service of this product, by the id of the product or the service.
 */
id?: string
/**
 * With an effective service of this product, by its code.
 */
code?: string
/**
 * With an effective service of this product, by its alternative code.
 */
alternative_code?: string
}
/**
 * Of subscriptions in one of these states.
 * 
 * @minItems 1
 * @maxItems 7
 */
subscription_states?: ("DRAFT" | "EFFECTIVE" | "NOT_EFFECTIVE" | "SHORT_TERM_EFFECTIVE" | "SHORT_TERM_NOT_EFFECTIVE" | "IN_RESTING" | "TERMINATED")[]
/**
 * With this distributor of the card, or of any card of the subscription; null: without one.
 */
distributor?: (string | null)
/**
 * These smart cards, known or not.
 * 
 * @minItems 1
 * @maxItems 200000
 */
cards?: string[]
}
/**
 * Collect and count the targets, and wait until the run is resumed.
 */
hold?: boolean
} | {
/**
 * The kind of the run.
 */
kind: "RECONCILE_FIX"
/**
 * What it does: an object that depends on the kind.
 */
parameters: {
/**
 * Fixes only what was found so; by default everything.
 */
only?: ("MISSING_IN_CAS" | "TOO_MUCH_IN_CAS")
}
/**
 * For whom: an object that depends on the kind.
 */
selection: {
/**
 * The number of the reconcile run.
 */
run: number
}
/**
 * Collect and count the targets, and wait until the run is resumed.
 */
hold?: boolean
})
output: Run
}
"runs.estimate": {
input: ({
/**
 * The kind of the run.
 */
kind: "MESSAGE"
/**
 * What it does: an object that depends on the kind.
 */
parameters: {
/**
 * A mail stays until it is read; a bark shows at once, a repeating one several times.
 */
type: ("MAIL" | "BARK" | "REPEATING_BARK")
/**
 * 1 to 141 characters for a mail, 1 to 129 for a bark; something that shows, and no character that does not: no control, direction or format characters.
 */
message: string
/**
 * When it is first shown, default now. Without zone UTC; an offset is accepted.
 */
start_indication_date_time?: string
/**
 * Seconds for which a bark is shown, default 20: 1 to 3600.
 */
display_duration?: number
/**
 * How often a repeating bark is shown: 1 to 255.
 */
repetition_count?: number
/**
 * Seconds from one showing of a repeating bark to the next: 10 to 2550 in steps of 10.
 */
repetition_interval?: number
}
/**
 * For whom: an object that depends on the kind.
 */
selection: {
/**
 * Everything known; only without another filter.
 */
all?: true
product?: {
/**
 * With an effective service of this product, by the id of the product or the service.
 */
id?: string
/**
 * With an effective service of this product, by its code.
 */
code?: string
/**
 * With an effective service of this product, by its alternative code.
 */
alternative_code?: string
}
/**
 * Of subscriptions in one of these states.
 * 
 * @minItems 1
 * @maxItems 7
 */
subscription_states?: ("DRAFT" | "EFFECTIVE" | "NOT_EFFECTIVE" | "SHORT_TERM_EFFECTIVE" | "SHORT_TERM_NOT_EFFECTIVE" | "IN_RESTING" | "TERMINATED")[]
/**
 * With this distributor of the card, or of any card of the subscription; null: without one.
 */
distributor?: (string | null)
/**
 * These smart cards, known or not.
 * 
 * @minItems 1
 * @maxItems 200000
 */
cards?: string[]
}
} | {
/**
 * The kind of the run.
 */
kind: "FINGERPRINT"
/**
 * What it does: an object that depends on the kind.
 */
parameters: {
/**
 * When it is shown, default now. Without zone UTC; an offset is accepted.
 */
display_date_time?: string
/**
 * Seconds for which it is shown, default 20: 1 to 3600.
 */
duration?: number
/**
 * Where on the screen, from the left: 0 to 10000.
 */
position_x: number
/**
 * Where on the screen, from the top: 0 to 10000.
 */
position_y: number
/**
 * Its height: 1 to 10000.
 */
height: number
/**
 * The fingerprint slot: 0 to 255.
 */
fingerprint_slot: number
}
/**
 * For whom: an object that depends on the kind.
 */
selection: {
/**
 * Everything known; only without another filter.
 */
all?: true
product?: {
/**
 * With an effective service of this product, by the id of the product or the service.
 */
id?: string
/**
 * With an effective service of this product, by its code.
 */
code?: string
/**
 * With an effective service of this product, by its alternative code.
 */
alternative_code?: string
}
/**
 * Of subscriptions in one of these states.
 * 
 * @minItems 1
 * @maxItems 7
 */
subscription_states?: ("DRAFT" | "EFFECTIVE" | "NOT_EFFECTIVE" | "SHORT_TERM_EFFECTIVE" | "SHORT_TERM_NOT_EFFECTIVE" | "IN_RESTING" | "TERMINATED")[]
/**
 * With this distributor of the card, or of any card of the subscription; null: without one.
 */
distributor?: (string | null)
/**
 * These smart cards, known or not.
 * 
 * @minItems 1
 * @maxItems 200000
 */
cards?: string[]
}
} | {
/**
 * The kind of the run.
 */
kind: "QUEUE"
/**
 * What it does: an object that depends on the kind.
 */
parameters: {

}
/**
 * For whom: an object that depends on the kind.
 */
selection: {

}
} | {
/**
 * The kind of the run.
 */
kind: "RESYNC"
/**
 * What it does: an object that depends on the kind.
 */
parameters: {

}
/**
 * For whom: an object that depends on the kind.
 */
selection: {
/**
 * Everything known; only without another filter.
 */
all?: true
product?: {
/**
 * With an effective service of this product, by the id of the product or the service.
 */
id?: string
/**
 * With an effective service of this product, by its code.
 */
code?: string
/**
 * With an effective service of this product, by its alternative code.
 */
alternative_code?: string
}
/**
 * Of subscriptions in one of these states.
 * 
 * @minItems 1
 * @maxItems 7
 */
subscription_states?: ("DRAFT" | "EFFECTIVE" | "NOT_EFFECTIVE" | "SHORT_TERM_EFFECTIVE" | "SHORT_TERM_NOT_EFFECTIVE" | "IN_RESTING" | "TERMINATED")[]
/**
 * With this distributor of the card, or of any card of the subscription; null: without one.
 */
distributor?: (string | null)
/**
 * These subscriptions, which must be known.
 * 
 * @minItems 1
 * @maxItems 200000
 */
subscriptions?: string[]
/**
 * With a request that was REJECTED with this error code.
 */
refused_with?: string
/**
 * With such a request that was submitted from then on: ISO 8601, in UTC without a zone; or a date.
 */
refused_since?: string
}
} | {
/**
 * The kind of the run.
 */
kind: "RECONCILE"
/**
 * What it does: an object that depends on the kind.
 */
parameters: {

}
/**
 * For whom: an object that depends on the kind.
 */
selection: {
/**
 * Everything known; only without another filter.
 */
all?: true
product?: {
/**
 * With an effective service of this product, by the id of the product or the service.
 */
id?: string
/**
 * With an effective service of this product, by its code.
 */
code?: string
/**
 * With an effective service of this product, by its alternative code.
 */
alternative_code?: string
}
/**
 * Of subscriptions in one of these states.
 * 
 * @minItems 1
 * @maxItems 7
 */
subscription_states?: ("DRAFT" | "EFFECTIVE" | "NOT_EFFECTIVE" | "SHORT_TERM_EFFECTIVE" | "SHORT_TERM_NOT_EFFECTIVE" | "IN_RESTING" | "TERMINATED")[]
/**
 * With this distributor of the card, or of any card of the subscription; null: without one.
 */
distributor?: (string | null)
/**
 * These smart cards, known or not.
 * 
 * @minItems 1
 * @maxItems 200000
 */
cards?: string[]
}
} | {
/**
 * The kind of the run.
 */
kind: "RECONCILE_FIX"
/**
 * What it does: an object that depends on the kind.
 */
parameters: {
/**
 * Fixes only what was found so; by default everything.
 */
only?: ("MISSING_IN_CAS" | "TOO_MUCH_IN_CAS")
}
/**
 * For whom: an object that depends on the kind.
 */
selection: {
/**
 * The number of the reconcile run.
 */
run: number
}
})
output: RunEstimate
}
"runs.show": {
input: {
id: number
}
output: RunWithChanges
}
"runs.stop": {
input: ({
id: number
} & {

})
output: StoppedRun
}
"runs.resume": {
input: ({
id: number
} & {

})
output: Run
}
"runs.cards": {
input: {
outcome?: string
after?: string
limit?: number
id: number
}
output: RunTargets
}
"schedules.list": {
input: {

}
output: Schedules
}
"schedules.add": {
input: {
/**
 * The name of the schedule; no two have the same. Fits the regular expression `^[\p{L}\p{N}][\p{L}\p{N} ._-]*$` of ECMAScript with the flag u.
 */
name: string
/**
 * The kind of its runs.
 */
kind: ("MESSAGE" | "FINGERPRINT" | "QUEUE" | "RESYNC" | "RECONCILE" | "RECONCILE_FIX")
/**
 * Minute, hour, day of the month, month, day of the week: `0 8 * * MON-FRI`.
 */
cron: string
/**
 * On whose clocks; an IANA name such as `Asia/Nicosia`.
 */
time_zone?: string
/**
 * The run's parameters, in the form of `POST /runs`.
 */
parameters?: {
[k: string]: unknown
}
/**
 * The run's selection, in the form of `POST /runs`.
 */
selection?: {
[k: string]: unknown
}
}
output: Schedule
}
"schedules.times": {
input: {
cron: string
time_zone?: string
limit?: number
}
output: ScheduleTimes
}
"schedules.enable": {
input: ({
name: string
} & {

})
output: Schedule
}
"schedules.disable": {
input: ({
name: string
} & {

})
output: Schedule
}
"schedules.remove": {
input: ({
name: string
} & {

})
output: RemovedSchedule
}
"schedules.history": {
input: {
limit?: number
name: string
}
output: ScheduleHistory
}
"users.list": {
input: {

}
output: Users
}
"users.add": {
input: {
/**
 * In any case: names are compared in lower case.
 */
username: string
/**
 * A viewer reads, an operator also makes requests, an admin may do everything.
 */
role: ("viewer" | "operator" | "admin")
/**
 * What the user gives as organisation to log in.
 */
organisation: string
/**
 * The unit that the user's requests are noted with.
 */
unit?: string
/**
 * The new password: 12 to 256 characters.
 */
password?: string
/**
 * Make a password up, and show it this once.
 */
generate?: boolean
}
output: AddedUser
}
"users.reset_password": {
input: {
/**
 * In any case: names are compared in lower case.
 */
username: string
/**
 * The new password: 12 to 256 characters.
 */
password?: string
/**
 * Make a password up, and show it this once.
 */
generate?: boolean
}
output: ResetPassword
}
"users.disable": {
input: ({
username: string
} & {

})
output: SwitchedUser
}
"users.enable": {
input: ({
username: string
} & {

})
output: SwitchedUser
}
"events.held": {
input: {
card?: string
subscription?: string
since?: string
until?: string
after?: number
limit?: number
}
output: HeldEvents
}
"events.dead-letters": {
input: {
card?: string
subscription?: string
since?: string
until?: string
after?: number
code?: string
all?: boolean
limit?: number
}
output: DeadLetters
}
"events.list": {
input: {
disposition?: ("PLANNED" | "NOTHING_TO_DO" | "DUPLICATE" | "STALE" | "DEAD_LETTERED")
card?: string
subscription?: string
since?: string
until?: string
before?: number
limit?: number
}
output: StoredEvents
}
"events.show": {
input: {
id: number
}
output: CrmEvent
}
"events.preview": {
input: {
schema_id?: number
id: number
}
output: ReleasePreview
}
"events.release": {
input: ({
id: number
} & {
/**
 * Why, for the trail.
 */
reason?: string
/**
 * Reads a dead letter with this schema of the registry: 1 to 2147483647.
 */
schema_id?: number
})
output: StoredEvent
}
"events.discard": {
input: ({
id: number
} & {
/**
 * Why, for the trail.
 */
reason: string
})
output: StoredEvent
}
why: {
input: {
of: string
ask?: boolean
after?: string
}
output: Explanation
}
}
/**
 * Who is logged in, and for how long.
 */
export interface Session {
username: string
role: ("viewer" | "operator" | "admin")
organisation: string
unit: (string | null)
/**
 * How long it lasts without a call of its user.
 */
idle_seconds: number
/**
 * When it ends if its user makes no further call.
 */
expires_date: string
}
/**
 * Nobody is logged in with this browser any more.
 */
export interface EndedSession {
/**
 * False: there was no session any more.
 */
ended: boolean
}
/**
 * A page of entries.
 */
export interface AuditEntries {
entries: AuditEntry[]
}
/**
 * Something that somebody did.
 */
export interface AuditEntry {
id: number
started_date: string
/**
 * Null: somebody whose name no user has tried to log in.
 */
user: (string | null)
unit: (string | null)
source: ("api" | "cli")
/**
 * Such as `runs.stop`.
 */
operation: string
/**
 * Secrets are masked, long texts and lists are cut.
 */
input: {
[k: string]: unknown
}
/**
 * OK, or a code of docs/errors-web-api.md. Null: it is under way, or its process died or lost the database before the end.
 */
result: (string | null)
ended_date: (string | null)
/**
 * What it made or changed, as far as its output names it; null if it did not end well.
 */
made: ({
/**
 * The id of the run.
 */
run: (number | null)
/**
 * The id of the replay or plan.
 */
replay: (number | null)
/**
 * The number in the communication queue.
 */
queue_entry: (number | null)
/**
 * The numbers of the provisioning requests; at most 100.
 */
requests: number[]
requests_total: number
} | null)
}
/**
 * The requests of one call of a utility.
 */
export interface UtilityOutcome {
/**
 * `process_id` of all requests of the call.
 */
process_id: string
/**
 * As they are now, in the order of their numbers.
 */
provisioning_requests: OperationRequest[]
/**
 * Why requests are still PENDING, if that is known.
 */
notice: (string | null)
/**
 * Empty if the call was made earlier: it is not kept.
 */
left_out: LeftOut[]
}
/**
 * A provisioning request: one command for the CAS.
 */
export interface OperationRequest {
number: number
id: string
type: ("ADD_SUBSCRIPTIONS" | "CANCEL_SUBSCRIPTIONS" | "CREATE_PAIRING" | "ADD_TO_EXISTING_PAIRING" | "GET_ACTIVE_SUBSCRIPTIONS" | "GET_PAIRING_STATUS_FOR_CARD" | "GET_PAIRING_STATUS_FOR_PAIRING_MODULE" | "SEND_MAIL_MESSAGE_TO_CLIENT" | "SEND_BARK_MESSAGE_TO_CLIENT" | "SEND_REPEATING_BARK_MESSAGE_TO_CLIENT" | "DISPLAY_FINGERPRINT" | "UPDATE_CA_PIN_TO_DEFAULT_VALUE" | "UPDATE_CA_PIN_TO_GIVEN_VALUE")
/**
 * Position among the requests of its event, call or run.
 */
sequence_number: number
scheduled_date: string
/**
 * When it became final; null while it is PENDING.
 */
executed_date: (string | null)
priority: ("REGULAR" | "EXPRESS")
life_cycle_state: ("PENDING" | "COMPLETED" | "REJECTED")
/**
 * The SOAP body that was sent last, secrets masked.
 */
request: (string | null)
/**
 * The SOAP body that came back for it.
 */
response: (string | null)
/**
 * As Conax gave it.
 */
reference_number: (string | null)
/**
 * Why it was REJECTED: the code of the CAS or of the service.
 */
error_code: (string | null)
error_description: (string | null)
/**
 * What made the request; MANUAL: the Web API.
 */
process_name: ("PROVISIONING_REQUEST_PROCESSING" | "MAIL_BARK_MESSAGE_UTILITY" | "MAIL_BARK_MESSAGE_RUN" | "PAIRING_UTILITY" | "CONAX_INFORMATION_UTILITY" | "FINGERPRINTING_UTILITY" | "FINGERPRINTING_RUN" | "RESET_PIN" | "MANUAL" | "TRIGGER" | "RESYNC" | "REPLAY")
process_id: (string | null)
/**
 * Items: One parameter of the command: its name and value, and its position as `id`.
 */
parameters_set: {
/**
 * Position among the parameters, from 1.
 */
id: string
[k: string]: string | number | null
}[]
log_information: {
created_date: string
updated_date: string
created_by_user: (string | null)
updated_by_user: (string | null)
created_by_unit: (string | null)
updated_by_unit: (string | null)
}
udf_string_1: (string | null)
udf_string_2: (string | null)
udf_string_3: (string | null)
udf_string_4: (string | null)
udf_string_5: (string | null)
udf_string_6: (string | null)
udf_string_7: (string | null)
udf_string_8: (string | null)
udf_float_1: (number | null)
udf_float_2: (number | null)
udf_float_3: (number | null)
udf_float_4: (number | null)
udf_date_1: (string | null)
udf_date_2: (string | null)
udf_date_3: (string | null)
udf_date_4: (string | null)
subscription_number: (string | null)
subscription_id: (string | null)
/**
 * All smart cards that the command touches.
 */
smartcard_ca_ids: string[]
/**
 * docs/life-cycle.md; PAUSED: it would be sent, but sending to the CAS is paused.
 */
phase: ("SCHEDULED" | "WAITING_BEHIND" | "IN_LINE" | "RETRYING" | "BEING_SENT" | "COMPLETED" | "REJECTED" | "PAUSED")
/**
 * What goes first among ready requests: EXPRESS, GIVING, TAKING, BULK. A request that others wait for has their urgency. Null if it is final.
 */
urgency: (("EXPRESS" | "GIVING" | "TAKING" | "BULK") | null)
/**
 * WAITING_BEHIND: the request that goes first on the card.
 */
waits_for: (number | null)
/**
 * Its date, or the end of its back-off.
 */
next_try_date: (string | null)
/**
 * Code and text of the last attempt of a PENDING request.
 */
last_error: (string | null)
/**
 * How often something was sent for it.
 */
attempts: number
/**
 * What the CAS answered to a question.
 */
answer: ({
/**
 * Service CA ids.
 */
active_services: (string[] | null)
/**
 * Null: the CAS has no pairing of the device, or was not asked.
 */
pairing: ({
smartcard_ca_ids: string[]
stb_ca_ids: string[]
} | null)
} | null)
}
/**
 * Something that was asked for and is not sent, with the reason.
 */
export interface LeftOut {
smartcard_ca_id: (string | null)
stb_ca_id: (string | null)
/**
 * docs/reasons.md
 */
reason: ("INVALID_CA_ID" | "NOTHING_TO_PAIR" | "ALREADY_PAIRED")
detail: string
}
/**
 * The answers of the information utility.
 */
export interface InformationOutcome {
/**
 * `process_id` of all requests of the call.
 */
process_id: string
/**
 * As they are now, in the order of their numbers.
 */
provisioning_requests: OperationRequest[]
/**
 * Why requests are still PENDING, if that is known.
 */
notice: (string | null)
/**
 * Empty if the call was made earlier: it is not kept.
 */
left_out: LeftOut[]
cards: CardInformation[]
}
/**
 * What the CAS has for a card, with what the CRM entitles.
 */
export interface CardInformation {
smartcard_ca_id: string
/**
 * That asked for the active subscriptions.
 */
provisioning_request_number: number
pairing: {
/**
 * The set-top boxes of the card's distributors, in all subscriptions that hold it.
 */
crm: string[]
/**
 * Null if the CAS has not answered: the request has the reason.
 */
cas: (string[] | null)
/**
 * EQUAL: the CAS has all that the CRM has. Null without an answer.
 */
finding: (("EQUAL" | "DIFFERS") | null)
}
/**
 * Subscriptions that hold the card.
 */
subscription_numbers: string[]
/**
 * Requests of the card are on their way: what differs may be about to change.
 */
changing: boolean
/**
 * Null if the CAS has not answered: the request has the reason.
 */
services: ({
service_ca_id: string
finding: ("BOTH" | "MISSING_IN_CAS" | "TOO_MUCH_IN_CAS")
/**
 * Effective services of the newest snapshots that entitle the card.
 */
through: {
subscription_number: string
service_id: string
product_code: string
state: string
}[]
}[] | null)
}
/**
 * Whether everything is well.
 */
export interface Overview {
/**
 * Since when the answer is the same. It is read again every two seconds.
 */
at: string
/**
 * That of the worst part.
 */
verdict: ("OK" | "ATTENTION" | "DOWN")
parts: {
part: ("DATABASE" | "KAFKA" | "SCHEMA_REGISTRY" | "CAS" | "INTAKE" | "DISPATCH" | "OUTCOMES")
state: ("OK" | "ATTENTION" | "DOWN")
/**
 * What a person should know of it.
 */
sentence: string
since: (string | null)
}[]
provider: {
paused: boolean
paused_by: (string | null)
paused_reason: (string | null)
/**
 * When sending was last paused or resumed.
 */
changed_date: string
breaker: ("closed" | "open" | "half-open")
breaker_open_until: (string | null)
failures_in_a_row: number
}
instances: {
id: string
/**
 * Null: of a version that does not report.
 */
host: (string | null)
/**
 * False: it was killed, or cannot reach the database.
 */
alive: boolean
started_date: string
/**
 * Calls that it may have under way at once.
 */
slots: number
requests_per_second: number
parts: {
part: string
ready: boolean
detail: string
since: string
}[]
}[]
/**
 * Requests that could be sent now.
 */
backlog: {
class: ("EXPRESS" | "GIVING" | "TAKING" | "BULK")
/**
 * Counted up to 10,000.
 */
ready: number
oldest_ready_date: (string | null)
}[]
waiting: {
/**
 * Counted up to 5,000; one more means that there are more.
 */
scheduled: number
/**
 * Counted up to 5,000; one more means that there are more.
 */
retrying: number
/**
 * Counted up to 5,000; one more means that there are more.
 */
dead_letters: number
/**
 * Counted up to 5,000; one more means that there are more.
 */
held_events: number
/**
 * Counted up to 5,000; one more means that there are more.
 */
unpublished_outcomes: number
/**
 * Counted up to 5,000; one more means that there are more.
 */
parked_outcomes: number
}
intake: {
/**
 * Messages of the CRM that are not read yet; null: nobody knows.
 */
unread: (number | null)
/**
 * Since when something has been unread without a break.
 */
behind_since_date: (string | null)
/**
 * When the last message was received.
 */
last_event_date: (string | null)
}
/**
 * Of requests of the last 24 hours, at most the newest 1,000.
 */
refusals: RefusalCount[]
/**
 * Those under way, the newest first.
 */
runs: {
id: number
kind: string
state: string
created_by_user: string
created_date: string
}[]
/**
 * The last 60 full minutes, the oldest first.
 */
minutes: OverviewMinute[]
}
/**
 * How many requests were refused with one code.
 */
export interface RefusalCount {
code: string
/**
 * Null: the CAS made the code up, or the list of codes has it not.
 */
meaning: (string | null)
count: number
newest_date: string
}
/**
 * What all instances did in one minute.
 */
export interface OverviewMinute {
/**
 * When it began.
 */
at: string
/**
 * How many instances stored figures; 0: none ran, or none could write.
 */
instances: number
/**
 * CRM messages read.
 */
events: number
requests_completed: number
requests_rejected: number
/**
 * SOAP calls.
 */
calls: number
/**
 * Requests that were put off after a call without a result.
 */
retries: number
/**
 * From the event or call to the stored outcome, without bulk work; null if nothing became final.
 */
latency_p50_ms: (number | null)
latency_p99_ms: (number | null)
}
/**
 * The answers about pairings.
 */
export interface PairingStatusOutcome {
/**
 * `process_id` of all requests of the call.
 */
process_id: string
/**
 * As they are now, in the order of their numbers.
 */
provisioning_requests: OperationRequest[]
/**
 * Why requests are still PENDING, if that is known.
 */
notice: (string | null)
/**
 * Empty if the call was made earlier: it is not kept.
 */
left_out: LeftOut[]
pairings: PairingAnswer[]
}
/**
 * The CAS's answer about one device's pairing.
 */
export interface PairingAnswer {
provisioning_request_number: number
smartcard_ca_id: (string | null)
stb_ca_id: (string | null)
/**
 * False: the CAS has not answered, and the request has the reason.
 */
answered: boolean
/**
 * The devices that it is paired with, itself among them; null if there are none.
 */
pairing: ({
smartcard_ca_ids: string[]
stb_ca_ids: string[]
} | null)
}
/**
 * Which key seals PINs.
 */
export interface PinKeyChange {
/**
 * False: the first key of PIN_KEY sealed before.
 */
changed: boolean
}
/**
 * Whether the service may send to the CAS now.
 */
export interface Provider {
paused: boolean
paused_reason: (string | null)
/**
 * Who paused it.
 */
paused_by: (string | null)
/**
 * When it was last paused or resumed.
 */
changed_date: string
breaker: ("closed" | "open" | "half-open")
failures_in_a_row: number
breaker_open_until: (string | null)
instances: {
id: string
/**
 * Calls that it may have under way at once.
 */
slots: number
requests_per_second: number
started_date: string
}[]
}
/**
 * Who paused and resumed sending.
 */
export interface ProviderHistory {
changes: {
id: number
date: string
change: ("PAUSED" | "RESUMED")
by_user: string
by_unit: (string | null)
/**
 * Why it was paused.
 */
reason: (string | null)
}[]
}
/**
 * Whether the service may send to the CAS after the call.
 */
export interface ChangedProvider {
/**
 * False: it was so before, and nothing changed.
 */
changed: boolean
paused: boolean
paused_reason: (string | null)
/**
 * Who paused it.
 */
paused_by: (string | null)
/**
 * When it was last paused or resumed.
 */
changed_date: string
breaker: ("closed" | "open" | "half-open")
failures_in_a_row: number
breaker_open_until: (string | null)
instances: {
id: string
/**
 * Calls that it may have under way at once.
 */
slots: number
requests_per_second: number
started_date: string
}[]
}
/**
 * A page of entries.
 */
export interface QueueEntries {
entries: QueueEntry[]
}
/**
 * An entry of the communication queue.
 */
export interface QueueEntry {
number: number
state: ("PENDING" | "REJECTED" | "COMPLETED" | "COMPLETED_AND_REMOVED")
message: {
type: string
message: string
[k: string]: unknown
}
smartcard_ca_id: (string | null)
subscription_number: (string | null)
/**
 * The run that took it.
 */
run_id: (number | null)
/**
 * Those that are final.
 */
request_numbers: number[]
detail: (string | null)
created_by_user: string
created_by_unit: (string | null)
created_date: string
updated_by_user: string
updated_date: string
}
/**
 * What a fix would send now.
 */
export interface ReconcileFixes {
cards: {
smartcard_ca_id: string
commands: {
type: ("ADD_SUBSCRIPTIONS" | "CANCEL_SUBSCRIPTIONS")
service_ca_id: string
sub_provisioning_distribution_id: (string | null)
subscription_number: (string | null)
}[]
withheld: {
type: string
reason: string
service_ca_id: (string | null)
detail: string
}[]
}[]
}
/**
 * What differs between the CRM and the CAS.
 */
export interface ReconcileDifferences {
run: Run
counts: {
finding: ("MISSING_IN_CAS" | "TOO_MUCH_IN_CAS")
services: number
/**
 * DIFFERENT cards that have such.
 */
cards: number
}[]
cards: {
smartcard_ca_id: string
outcome: ("EQUAL" | "DIFFERENT" | "CHANGING" | "NOT_READABLE")
/**
 * Null if the card was listed.
 */
subscription_number: (string | null)
/**
 * Of a card that is DIFFERENT or CHANGING.
 */
differences: {
finding: ("MISSING_IN_CAS" | "TOO_MUCH_IN_CAS")
service_ca_id: string
}[]
/**
 * Why the card is NOT_READABLE.
 */
code: (string | null)
description: (string | null)
/**
 * The question that brought the answer.
 */
request_number: (number | null)
}[]
}
/**
 * A run, and how far it is.
 */
export interface Run {
id: number
kind: string
state: ("PREPARING" | "READY" | "RUNNING" | "STOPPED" | "COMPLETED" | "FAILED")
parameters: unknown
/**
 * Of a list its length is kept.
 */
selection: {
[k: string]: unknown
}
counts: {
targets: number
/**
 * Nothing was sent for them yet.
 */
waiting: number
/**
 * With requests that are not final.
 */
pending: number
/**
 * Targets by outcome: COMPLETED, an error code, or one of the kind.
 */
outcomes: {
[k: string]: number
}
}
/**
 * What went wrong with its last step.
 */
failure: (string | null)
schedule_id: (number | null)
created_by_user: string
created_by_unit: (string | null)
created_date: string
prepared_date: (string | null)
started_date: (string | null)
ended_date: (string | null)
}
/**
 * Events planned or processed again, or outcomes published again.
 */
export interface Replay {
id: number
kind: ("PLAN" | "EVENTS" | "OUTCOMES")
/**
 * RUNNING also while it waits for an instance of the service.
 */
state: ("RUNNING" | "STOPPED" | "COMPLETED")
reason: string
created_by_user: string
created_by_unit: (string | null)
started_date: string
ended_date: (string | null)
/**
 * How far it came.
 */
counts: {
[k: string]: number
}
stop_requested_by: (string | null)
/**
 * The service works on it, rather than a command.
 */
hosted: boolean
/**
 * Why the service gave it up; while it is RUNNING, the outage that it waits for.
 */
failure: (string | null)
/**
 * What it takes, and how fast; `unreadable`: messages that could not be read.
 */
selection: {
[k: string]: unknown
}
/**
 * The summary of a plan that is COMPLETED, by command and reason.
 */
result: {
[k: string]: unknown
}
}
/**
 * Plans and replays.
 */
export interface Replays {
replays: Replay[]
}
/**
 * A page of a plan.
 */
export interface ReplayPlanRows {
rows: ReplayPlanRow[]
/**
 * `after` of the next page; null if this is the last.
 */
last: (number | null)
}
/**
 * One command of one past event: then, now, and what a run would do.
 */
export interface ReplayPlanRow {
subscription_number: string
version: number
action: string
action_id: string
action_number: string
event_id: string
/**
 * Null for an event that was never received.
 */
inbox_id: (number | null)
verdict: ("same" | "new" | "no longer" | "changed" | "withheld")
type: (string | null)
/**
 * Several are separated by blanks.
 */
smartcard_ca_id: (string | null)
stb_ca_ids: string[]
service_ca_id: (string | null)
/**
 * What became of it then.
 */
then_state: (string | null)
/**
 * Why today's rules make nothing.
 */
reason: (string | null)
effects: {
kind: ("send" | "nothing")
type: (string | null)
/**
 * Several are separated by blanks.
 */
smartcard_ca_id: (string | null)
stb_ca_ids: string[]
service_ca_id: (string | null)
subscription_number: (string | null)
reason: (string | null)
detail: (string | null)
}[]
}
/**
 * What a replay of one subscription would do now.
 */
export interface ReplayPlan {
events: number
differing: boolean
rows: ReplayPlanRow[]
}
/**
 * Everything that is known of one provisioning request.
 */
export interface RequestStory {
/**
 * What made the request; null if no event did, or if it is no longer kept.
 */
event: ({
id: number
event_id: string
disposition: string
/**
 * A newer version was applied before.
 */
late: boolean
remarks: string[]
family: string
type: string
subscription_number: string
version: number
action_id: string
occurred_date: string
received_date: string
topic: string
partition: number
offset: number
/**
 * As it was decoded.
 */
event: {
[k: string]: unknown
}
} | null)
request: {
number: number
id: string
type: ("ADD_SUBSCRIPTIONS" | "CANCEL_SUBSCRIPTIONS" | "CREATE_PAIRING" | "ADD_TO_EXISTING_PAIRING" | "GET_ACTIVE_SUBSCRIPTIONS" | "GET_PAIRING_STATUS_FOR_CARD" | "GET_PAIRING_STATUS_FOR_PAIRING_MODULE" | "SEND_MAIL_MESSAGE_TO_CLIENT" | "SEND_BARK_MESSAGE_TO_CLIENT" | "SEND_REPEATING_BARK_MESSAGE_TO_CLIENT" | "DISPLAY_FINGERPRINT" | "UPDATE_CA_PIN_TO_DEFAULT_VALUE" | "UPDATE_CA_PIN_TO_GIVEN_VALUE")
/**
 * Position among the requests of its event, call or run.
 */
sequence_number: number
scheduled_date: string
/**
 * When it became final; null while it is PENDING.
 */
executed_date: (string | null)
priority: ("REGULAR" | "EXPRESS")
life_cycle_state: ("PENDING" | "COMPLETED" | "REJECTED")
/**
 * The SOAP body that was sent last, secrets masked.
 */
request: (string | null)
/**
 * The SOAP body that came back for it.
 */
response: (string | null)
/**
 * As Conax gave it.
 */
reference_number: (string | null)
/**
 * Why it was REJECTED: the code of the CAS or of the service.
 */
error_code: (string | null)
error_description: (string | null)
/**
 * What made the request; MANUAL: the Web API.
 */
process_name: ("PROVISIONING_REQUEST_PROCESSING" | "MAIL_BARK_MESSAGE_UTILITY" | "MAIL_BARK_MESSAGE_RUN" | "PAIRING_UTILITY" | "CONAX_INFORMATION_UTILITY" | "FINGERPRINTING_UTILITY" | "FINGERPRINTING_RUN" | "RESET_PIN" | "MANUAL" | "TRIGGER" | "RESYNC" | "REPLAY")
process_id: (string | null)
/**
 * Items: One parameter of the command: its name and value, and its position as `id`.
 */
parameters_set: {
/**
 * Position among the parameters, from 1.
 */
id: string
[k: string]: string | number | null
}[]
log_information: {
created_date: string
updated_date: string
created_by_user: (string | null)
updated_by_user: (string | null)
created_by_unit: (string | null)
updated_by_unit: (string | null)
}
udf_string_1: (string | null)
udf_string_2: (string | null)
udf_string_3: (string | null)
udf_string_4: (string | null)
udf_string_5: (string | null)
udf_string_6: (string | null)
udf_string_7: (string | null)
udf_string_8: (string | null)
udf_float_1: (number | null)
udf_float_2: (number | null)
udf_float_3: (number | null)
udf_float_4: (number | null)
udf_date_1: (string | null)
udf_date_2: (string | null)
udf_date_3: (string | null)
udf_date_4: (string | null)
subscription_number: (string | null)
subscription_id: (string | null)
/**
 * All smart cards that the command touches.
 */
smartcard_ca_ids: string[]
/**
 * docs/life-cycle.md; PAUSED: it would be sent, but sending to the CAS is paused.
 */
phase: ("SCHEDULED" | "WAITING_BEHIND" | "IN_LINE" | "RETRYING" | "BEING_SENT" | "COMPLETED" | "REJECTED" | "PAUSED")
/**
 * What goes first among ready requests: EXPRESS, GIVING, TAKING, BULK. A request that others wait for has their urgency. Null if it is final.
 */
urgency: (("EXPRESS" | "GIVING" | "TAKING" | "BULK") | null)
/**
 * WAITING_BEHIND: the request that goes first on the card.
 */
waits_for: (number | null)
/**
 * Its date, or the end of its back-off.
 */
next_try_date: (string | null)
/**
 * Code and text of the last attempt of a PENDING request.
 */
last_error: (string | null)
/**
 * How often something was sent for it.
 */
attempts: number
/**
 * What the CAS answered to a question.
 */
answer: ({
/**
 * Service CA ids.
 */
active_services: (string[] | null)
/**
 * Null: the CAS has no pairing of the device, or was not asked.
 */
pairing: ({
smartcard_ca_ids: string[]
stb_ca_ids: string[]
} | null)
} | null)
action_id: (string | null)
action_number: (string | null)
/**
 * The event that made it, also if it is no longer kept.
 */
causation_event_id: (string | null)
}
/**
 * Commands of the same event that were not sent, and why.
 */
withheld: {
type: string
/**
 * docs/reasons.md
 */
reason: string
smartcard_ca_id: (string | null)
service_ca_id: (string | null)
detail: string
}[]
/**
 * The oldest first.
 */
attempts: {
attempt: number
/**
 * Differs from the type of the request if a question was asked.
 */
command: string
operation: string
url: string
answer: string
code: (string | null)
description: (string | null)
http_status: (number | null)
started_date: string
duration_ms: number
instance: string
/**
 * The SOAP body that was sent, secrets masked.
 */
request_body: (string | null)
response_body: (string | null)
}[]
/**
 * The outcomes of the request and of its action, published or waiting.
 */
outcomes: {
kind: string
/**
 * `ce_id` of the message.
 */
event_id: string
created_date: string
published_date: (string | null)
/**
 * Why the broker will never take it.
 */
parked_reason: (string | null)
replay_id: (number | null)
record: unknown
}[]
}
/**
 * A page of provisioning requests.
 */
export interface OperationRequests {
requests: OperationRequest[]
}
/**
 * Refused requests by their error code.
 */
export interface Refusals {
since: string
/**
 * False: only the newest 5,000 refusals were looked at.
 */
complete: boolean
/**
 * The most frequent first.
 */
refusals: RefusalGroup[]
}
/**
 * The requests that were refused with one code.
 */
export interface RefusalGroup {
code: string
/**
 * Null: the CAS made the code up, or the list of codes has it not.
 */
meaning: (string | null)
count: number
newest_date: string
remedy: (string | null)
/**
 * How many subscriptions they are of.
 */
subscriptions: number
oldest_date: string
/**
 * The newest, at most 5.
 */
samples: {
number: number
smartcard_ca_id: (string | null)
subscription_number: (string | null)
description: (string | null)
}[]
}
/**
 * Requests that are sent before others.
 */
export interface ProcessOutcome {
/**
 * As they are now, in the order of their numbers.
 */
provisioning_requests: OperationRequest[]
/**
 * Why requests are still PENDING, if that is known.
 */
notice: (string | null)
}
/**
 * The last pass over each kind of row; empty if retention has never run.
 */
export interface Retention {
passes: {
kind: ("requests" | "events" | "outcomes" | "runs" | "audit")
began_date: string
/**
 * Null: the pass is under way, or the next run continues it.
 */
ended_date: (string | null)
/**
 * The number or id of the last row that was looked at.
 */
position: number
/**
 * Rows, by table.
 */
removed: {
[k: string]: number
}
}[]
}
/**
 * A page of runs.
 */
export interface Runs {
runs: Run[]
}
/**
 * What a selection comes to.
 */
export interface RunEstimate {
targets: number
/**
 * False: extrapolated from a part.
 */
exact: boolean
sample: {
target: string
subscription_number: (string | null)
/**
 * What would be sent for it now, in this order; null: it is the same for each target.
 */
commands: ({
type: (string | null)
/**
 * Several are separated by blanks.
 */
smartcard_ca_id: (string | null)
stb_ca_ids: string[]
service_ca_id: (string | null)
}[] | null)
}[]
}
/**
 * A run and its history.
 */
export interface RunWithChanges {
id: number
kind: string
state: ("PREPARING" | "READY" | "RUNNING" | "STOPPED" | "COMPLETED" | "FAILED")
parameters: unknown
/**
 * Of a list its length is kept.
 */
selection: {
[k: string]: unknown
}
counts: {
targets: number
/**
 * Nothing was sent for them yet.
 */
waiting: number
/**
 * With requests that are not final.
 */
pending: number
/**
 * Targets by outcome: COMPLETED, an error code, or one of the kind.
 */
outcomes: {
[k: string]: number
}
}
/**
 * What went wrong with its last step.
 */
failure: (string | null)
schedule_id: (number | null)
created_by_user: string
created_by_unit: (string | null)
created_date: string
prepared_date: (string | null)
started_date: (string | null)
ended_date: (string | null)
changes: {
event: string
state: string
detail: (string | null)
/**
 * Null: the service itself.
 */
user: (string | null)
unit: (string | null)
date: string
}[]
}
/**
 * A run that was stopped.
 */
export interface StoppedRun {
id: number
kind: string
state: ("PREPARING" | "READY" | "RUNNING" | "STOPPED" | "COMPLETED" | "FAILED")
parameters: unknown
/**
 * Of a list its length is kept.
 */
selection: {
[k: string]: unknown
}
counts: {
targets: number
/**
 * Nothing was sent for them yet.
 */
waiting: number
/**
 * With requests that are not final.
 */
pending: number
/**
 * Targets by outcome: COMPLETED, an error code, or one of the kind.
 */
outcomes: {
[k: string]: number
}
}
/**
 * What went wrong with its last step.
 */
failure: (string | null)
schedule_id: (number | null)
created_by_user: string
created_by_unit: (string | null)
created_date: string
prepared_date: (string | null)
started_date: (string | null)
ended_date: (string | null)
/**
 * Requests that this call withdrew.
 */
withdrawn: number
}
/**
 * A page of targets.
 */
export interface RunTargets {
targets: RunTarget[]
}
/**
 * A card or a subscription of a run.
 */
export interface RunTarget {
target: string
card: (string | null)
subscription_number: (string | null)
/**
 * WAITING, PENDING, COMPLETED, an error code, or one of the kind.
 */
outcome: string
request_numbers: number[]
result: unknown
}
/**
 * All schedules.
 */
export interface Schedules {
schedules: Schedule[]
}
/**
 * Runs that start by the clock.
 */
export interface Schedule {
name: string
kind: string
parameters: unknown
selection: unknown
cron: string
time_zone: string
enabled: boolean
/**
 * Null while it is disabled.
 */
next_date: (string | null)
last_run_id: (number | null)
created_by_user: string
created_by_unit: (string | null)
created_date: string
updated_by_user: string
updated_date: string
}
/**
 * The next times of a cron expression.
 */
export interface ScheduleTimes {
dates: string[]
}
/**
 * The schedule that was removed.
 */
export interface RemovedSchedule {
name: string
}
/**
 * Due times, and whether each started a run.
 */
export interface ScheduleHistory {
starts: ScheduleStart[]
}
/**
 * What happened at one due time.
 */
export interface ScheduleStart {
due_date: string
outcome: ("STARTED" | "SKIPPED" | "REFUSED")
run_id: (number | null)
/**
 * The run's present state.
 */
run_state: (string | null)
/**
 * Why no run was started.
 */
detail: (string | null)
}
/**
 * All users.
 */
export interface Users {
users: User[]
}
/**
 * A user of the APIs.
 */
export interface User {
username: string
role: ("viewer" | "operator" | "admin")
organisation: string
unit: (string | null)
disabled: boolean
/**
 * Tokens that are alive.
 */
tokens: number
created_date: string
changed_date: string
/**
 * Who made the last change.
 */
changed_by: string
}
/**
 * A user that was added.
 */
export interface AddedUser {
username: string
role: ("viewer" | "operator" | "admin")
organisation: string
unit: (string | null)
/**
 * The password that was made up, shown only now; null if it was given.
 */
password: (string | null)
}
/**
 * A user whose password was reset.
 */
export interface ResetPassword {
username: string
/**
 * The password that was made up, shown only now; null if it was given.
 */
password: (string | null)
}
/**
 * Whether a user may log in after the call.
 */
export interface SwitchedUser {
username: string
disabled: boolean
/**
 * False: it was so before, and nothing changed.
 */
changed: boolean
}
/**
 * Late events that are held.
 */
export interface HeldEvents {
held_events: StoredEvent[]
}
/**
 * A message of the CRM as the inbox has it.
 */
export interface StoredEvent {
id: number
disposition: ("PLANNED" | "NOTHING_TO_DO" | "DUPLICATE" | "STALE" | "DEAD_LETTERED")
received_date: string
topic: string
partition: number
offset: number
/**
 * The time of the Kafka message.
 */
message_date: string
event_id: (string | null)
subscription_number: (string | null)
version: (number | null)
family: (string | null)
/**
 * As the CRM wrote it.
 */
type: (string | null)
action_id: (string | null)
/**
 * Why it is a dead letter: docs/errors-intake.md
 */
reason: (string | null)
detail: (string | null)
/**
 * What a person decided.
 */
resolution: (string | null)
resolved_date: (string | null)
}
/**
 * Messages that could not be processed.
 */
export interface DeadLetters {
dead_letters: StoredEvent[]
}
/**
 * A page of messages of the CRM.
 */
export interface StoredEvents {
events: StoredEvent[]
/**
 * `before` of the next page, which may follow a page that is not full; null after the last one.
 */
next: (number | null)
}
/**
 * A message of the CRM with all that is known of it.
 */
export interface CrmEvent {
id: number
disposition: ("PLANNED" | "NOTHING_TO_DO" | "DUPLICATE" | "STALE" | "DEAD_LETTERED")
received_date: string
topic: string
partition: number
offset: number
/**
 * The time of the Kafka message.
 */
message_date: string
event_id: (string | null)
subscription_number: (string | null)
version: (number | null)
family: (string | null)
/**
 * As the CRM wrote it.
 */
type: (string | null)
action_id: (string | null)
/**
 * Why it is a dead letter: docs/errors-intake.md
 */
reason: (string | null)
detail: (string | null)
/**
 * What a person decided.
 */
resolution: (string | null)
resolved_date: (string | null)
/**
 * The decoded event; null if it cannot be decoded.
 */
event: {
[k: string]: unknown
}
/**
 * The requests that were made of it, in the order of sending.
 */
requests: {
number: number
type: string
smartcard_ca_ids: string[]
life_cycle_state: string
error_code: (string | null)
}[]
/**
 * Commands that were not sent, and why.
 */
withheld: {
type: string
/**
 * docs/reasons.md
 */
reason: string
smartcard_ca_id: (string | null)
service_ca_id: (string | null)
detail: string
}[]
/**
 * The original message of a dead letter; null if its bytes are no longer stored.
 */
message: ({
key: (string | null)
headers: {
[k: string]: string
}
bytes: number
schema_id: (number | null)
/**
 * Why it cannot be read now; null if it can, because the cause may be fixed since.
 */
cause: ({
reason: string
detail: string
} | null)
/**
 * The payload as far as the named schema can read it; null if there is no such schema.
 */
decoded: ({
/**
 * Null if not even the first field could be read.
 */
value: {
[k: string]: unknown
}
/**
 * The first field that could not be read; null if all could.
 */
stopped_at: (string | null)
/**
 * Bytes that were read.
 */
bytes: number
/**
 * Bytes after the end of what the schema describes.
 */
left: number
} | null)
hex: string[]
} | null)
}
/**
 * What a release would send.
 */
export interface ReleasePreview {
/**
 * In the order of sending.
 */
commands: {
type: (string | null)
/**
 * Several are separated by blanks.
 */
smartcard_ca_id: (string | null)
stb_ca_ids: string[]
service_ca_id: (string | null)
}[]
/**
 * Commands that would not be sent, and why.
 */
withheld: {
type: string
/**
 * docs/reasons.md
 */
reason: string
smartcard_ca_id: (string | null)
service_ca_id: (string | null)
detail: string
}[]
}
/**
 * Why a screen is black, as far as it is known.
 */
export interface Explanation {
subject: {
kind: ("smartcard" | "stb" | "subscription" | "request" | "action" | "event" | "reference_number")
id: string
}
/**
 * Other things with this number.
 */
also: {
kind: ("smartcard" | "stb" | "subscription" | "request" | "action" | "event" | "reference_number")
id: string
}[]
verdict: string
/**
 * The most important first.
 */
findings: {
/**
 * docs/why.md
 */
code: ("INTAKE_STOPPED" | "UNKNOWN_TO_US" | "PROVIDER_PAUSED" | "BREAKER_OPEN" | "CAS_UNREADABLE" | "WAITING_BEHIND" | "RETRYING" | "WAITING_IN_LINE" | "EVENT_HELD" | "DEAD_LETTER" | "OUTCOME_UNKNOWN" | "CARD_UNKNOWN_IN_CAS" | "REFUSED" | "NO_CARD_IN_DISTRIBUTOR" | "WITHHELD" | "NOT_ENTITLED" | "PAIRING_DIFFERS" | "MISSING_IN_CAS" | "TOO_MUCH_IN_CAS" | "SCHEDULED" | "CARD_HELD_TWICE" | "VERSION_GAP" | "SUPERSEDED" | "LATE_EVENT" | "NOTHING_NEW" | "ALL_EQUAL")
severity: ("blocking" | "attention" | "info")
sentence: string
since: (string | null)
evidence: {
[k: string]: string | number | null
}
remedy: {
sentence: string
command: (string | null)
/**
 * What a person may do: operations with their inputs. The command makes the first.
 */
calls: ({
operation: "requests.show"
input: {
number: string
}
} | {
operation: "requests.process"
input: {
number: number
}
} | {
operation: "requests.withdraw"
input: {
number: number
}
} | {
operation: "events.show"
input: {
id: number
}
} | {
operation: "events.release"
input: {
id: number
}
} | {
operation: "events.discard"
input: {
id: number
}
} | {
operation: "pair.create"
input: {
subscription_identifier: {
number: string
}
}
} | {
operation: "pair.add"
input: {
existing_smartcard_ca_id: string
stb_ca_ids: string[]
}
} | {
operation: "provider.status"
input: {

}
} | {
operation: "provider.resume"
input: {

}
} | {
operation: "runs.start"
input: ({
kind: "RESYNC"
parameters: {

}
selection: {
subscriptions: string[]
}
} | {
kind: "RECONCILE"
parameters: {

}
selection: {
cards: string[]
}
})
})[]
}
}[]
subscriptions: {
number: string
state: string
version: number
}[]
/**
 * Why the CAS was not asked; null if it was.
 */
cas_not_asked: (string | null)
entitlements: {
smartcard_ca_id: string
service_ca_id: string
product_code: (string | null)
distributor: (string | null)
crm: ("entitled" | "not entitled")
last_sent: ("ADD" | "CANCEL" | "none")
cas: ("active" | "missing" | "not asked" | "no answer")
/**
 * The last command for it.
 */
request: (number | null)
request_phase: (string | null)
}[]
pairings: {
smartcard_ca_id: string
/**
 * The set-top boxes of the card's group.
 */
crm: string[]
/**
 * Those of our last pairing that was done; null: none is known (R7).
 */
known: (string[] | null)
/**
 * Null: not asked, or no answer.
 */
cas: (string[] | null)
}[]
/**
 * What is unfinished for the cards, the first one first.
 */
queue: {
number: number
type: ("ADD_SUBSCRIPTIONS" | "CANCEL_SUBSCRIPTIONS" | "CREATE_PAIRING" | "ADD_TO_EXISTING_PAIRING" | "GET_ACTIVE_SUBSCRIPTIONS" | "GET_PAIRING_STATUS_FOR_CARD" | "GET_PAIRING_STATUS_FOR_PAIRING_MODULE" | "SEND_MAIL_MESSAGE_TO_CLIENT" | "SEND_BARK_MESSAGE_TO_CLIENT" | "SEND_REPEATING_BARK_MESSAGE_TO_CLIENT" | "DISPLAY_FINGERPRINT" | "UPDATE_CA_PIN_TO_DEFAULT_VALUE" | "UPDATE_CA_PIN_TO_GIVEN_VALUE")
/**
 * docs/life-cycle.md; PAUSED: it would be sent, but sending to the CAS is paused.
 */
phase: ("SCHEDULED" | "WAITING_BEHIND" | "IN_LINE" | "RETRYING" | "BEING_SENT" | "COMPLETED" | "REJECTED" | "PAUSED")
/**
 * What goes first among ready requests: EXPRESS, GIVING, TAKING, BULK. A request that others wait for has their urgency. Null if it is final.
 */
urgency: (("EXPRESS" | "GIVING" | "TAKING" | "BULK") | null)
/**
 * WAITING_BEHIND: the request that goes first on the card.
 */
waits_for: (number | null)
/**
 * Its date, or the end of its back-off.
 */
next_try_date: (string | null)
/**
 * Code and text of the last attempt of a PENDING request.
 */
last_error: (string | null)
/**
 * How often something was sent for it.
 */
attempts: number
}[]
/**
 * What happened, the newest first: a page of it.
 */
timeline: {
at: string
what: ("event" | "withheld" | "dead letter" | "request" | "attempts" | "outcome" | "operator")
text: string
request: (number | null)
/**
 * The id that `events show` takes.
 */
event: (number | null)
}[]
/**
 * `after` for the next page of the timeline; null: this is the last one.
 */
timeline_next: (string | null)
}
