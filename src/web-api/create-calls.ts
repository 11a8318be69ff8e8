import { type Call, call } from '../http/calls.ts';
import { success, successSchema } from '../http/envelope.ts';
import { createIdempotencyHasher, idempotentCall } from '../http/idempotency.ts';
import { findRequest } from '../requests/find.ts';
import type { CreateInput } from './commands.ts';
import { createRequest } from './create.ts';
import { createBodies, type CreateCall } from './inputs.ts';
import type { WebApiParts } from './parts.ts';
import { completeRequest, viewOf } from './shape.ts';

const TEXTS: Record<CreateCall, { name: string; summary: string }> = {
  add_subscriptions: { name: 'addSubscriptions', summary: 'Let a smart card decrypt a service' },
  cancel_subscriptions: { name: 'cancelSubscriptions', summary: 'Let a smart card no longer decrypt a service' },
  create_pairing: { name: 'createPairing', summary: 'Pair smart cards with set-top boxes' },
  add_to_existing_pairing: { name: 'addToExistingPairing', summary: 'Add devices to the pairing of a smart card' },
  reset_pin_to_default_value: { name: 'resetPinToDefaultValue', summary: "Set a card's PIN to its default" },
  reset_pin_to_given_value: { name: 'resetPinToGivenValue', summary: "Set a card's PIN" },
};

const DESCRIPTION =
  'Makes a provisioning request and shows it, PENDING; with `process_immediately` as it is once it is final, or after a time limit. That the CAS refused is in the data.';

/** The six calls that make a provisioning request. */
export function createCalls(parts: WebApiParts): Call[] {
  const { db, finalWatch, immediateTimeoutMs } = parts;
  const bodies = createBodies(parts.patterns);
  const hasher = createIdempotencyHasher(parts.pinKey);
  return (Object.keys(bodies) as CreateCall[]).map((name) =>
    call({
      ...TEXTS[name],
      method: 'POST',
      paths: [`/conax_web_services/provisioning_request/${name}`, `/conax_web_services/provisioning_requests/${name}`],
      access: 'writer',
      tag: 'provisioning requests',
      description: DESCRIPTION,
      input: bodies[name],
      output: successSchema(completeRequest),
      takesIdempotencyKey: true,
      async handle(asked) {
        const { input, user } = asked;
        if (user === null) throw new Error(`${name} was called without a user`);
        const idempotent = idempotentCall(hasher, name, asked);
        const caller = { user, traceparent: asked.request.traceparent };
        const made = await createRequest(parts, { call: name, body: input } as CreateInput, caller, idempotent);
        if (input.process_immediately !== true || made.lifeCycleState !== 'PENDING') return success(viewOf(made, null));
        await finalWatch.awaitFinal([made.number], immediateTimeoutMs);
        return success(viewOf((await findRequest(db, { number: made.number })) ?? made, null));
      },
    }),
  );
}
