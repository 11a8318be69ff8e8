import { createHash } from 'node:crypto';

/** Namespaces of our name-based UUIDs. Never change them: consumers would take old outcomes for new ones. */
const REQUEST_OUTCOME_NAMESPACE = '6f0c9f1e-4f5c-5d0a-9a55-6f1d0b3b8a10';
const ACTION_OUTCOME_NAMESPACE = '2b6a7c54-0c1b-5b7e-8d6e-5a0f3f6c9e21';

/** Returns the eventId (= ce_id) of a request's outcome, which is always the same. `requestId`: as a UUID. */
export function requestOutcomeEventId(requestId: string): string {
  return uuidV5(requestId.toLowerCase(), REQUEST_OUTCOME_NAMESPACE);
}

/** Returns the eventId (= ce_id) of an action's outcome; `revision` counts the outcomes of the action from 1. */
export function actionOutcomeEventId(subscriptionNumber: string, actionId: string, revision: number): string {
  return uuidV5(JSON.stringify([subscriptionNumber, actionId, revision]), ACTION_OUTCOME_NAMESPACE);
}

/** Returns a UUID of version 5 (RFC 9562): SHA-1 of namespace and name. */
export function uuidV5(name: string, namespace: string): string {
  const hash = createHash('sha1')
    .update(Buffer.from(namespace.replaceAll('-', ''), 'hex'))
    .update(name)
    .digest();
  hash.writeUInt8((hash.readUInt8(6) & 0x0f) | 0x50, 6);
  hash.writeUInt8((hash.readUInt8(8) & 0x3f) | 0x80, 8);
  const hex = hash.toString('hex', 0, 16);
  return [hex.slice(0, 8), hex.slice(8, 12), hex.slice(12, 16), hex.slice(16, 20), hex.slice(20)].join('-');
}
