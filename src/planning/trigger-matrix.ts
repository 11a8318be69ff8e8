import type { ActionEvent } from '../events/action-event.ts';
import type { InstalledItemActionType, ServiceActionType, SubscriptionActionType } from '../events/crm.generated.ts';

/** A CRM action in the form that people write. S: subscription action, V: service action, I: installed item action. */
export type ActionName =
  | `S: ${Exclude<SubscriptionActionType, 'UNKNOWN'>}`
  | `V: ${Exclude<ServiceActionType, 'UNKNOWN'>}`
  | `I: ${Exclude<InstalledItemActionType, 'UNKNOWN'>}`;

/** What a cell of CANCEL_SUBSCRIPTIONS selects; '' = the action does not trigger the command. */
export type CancelCell =
  | ''
  | 'all revocable services'
  | 'outgoing services'
  | 'services on the removed card'
  | '(service, card) pairs that the move unlinked';

/** What a cell of CREATE_PAIRING selects. */
export type CreateCell =
  | ''
  | 'all devices'
  | "new distributor's devices"
  | "the item's distributor"
  | "the new item's distributor";

/** What a cell of ADD_TO_EXISTING_PAIRING selects. */
export type ExtendCell =
  | ''
  | 'devices not yet paired'
  | "new distributor's devices"
  | "the item's distributor"
  | "the new item's distributor";

/** What a cell of ADD_SUBSCRIPTIONS selects. */
export type AddCell =
  | ''
  | 'all effective services'
  | 'incoming services'
  | 'incoming services (only when a swap is regretted)'
  | 'services on the new card'
  | '(service, card) pairs that the move linked';

type MatrixRow = readonly [ActionName, CancelCell, CreateCell, ExtendCell, AddCell];

/**
 * The trigger matrix: which CRM action makes which Conax commands, for what. The planner executes exactly these words.
 * docs/trigger-matrix.md shows the same table and explains what each of them selects. '' = not triggered.
 */
// oxfmt-ignore
export const TRIGGER_MATRIX = [
  // action                               CANCEL_SUBSCRIPTIONS                             CREATE_PAIRING                ADD_TO_EXISTING_PAIRING       ADD_SUBSCRIPTIONS
  ['S: BECOME_SUBSCRIBER',                '',                                              'all devices',                '',                           'all effective services'],
  ['S: ACTIVATE_SUBSCRIPTION',            '',                                              'all devices',                '',                           'all effective services'],
  ['S: END_SHORT_TERM_DEACTIVATION',      '',                                              'all devices',                '',                           'all effective services'],
  ['S: SHORT_TERM_ACTIVATION',            '',                                              'all devices',                '',                           'all effective services'],
  ['S: END_SUBSCRIPTION_RESTING',         '',                                              'all devices',                '',                           'all effective services'],
  ['S: CHANGE_SUBSCRIPTION_DISTRIBUTION', '',                                              "new distributor's devices",  "new distributor's devices",  '(service, card) pairs that the move linked'],
  ['S: DEACTIVATE_SUBSCRIPTION',          'all revocable services',                        '',                           '',                           ''],
  ['S: TERMINATE_SUBSCRIPTION',           'all revocable services',                        '',                           '',                           ''],
  ['S: REST_SUBSCRIPTION',                'all revocable services',                        '',                           '',                           ''],
  ['S: END_SHORT_TERM_ACTIVATION',        'all revocable services',                        '',                           '',                           ''],
  ['S: SHORT_TERM_DEACTIVATION',          'all revocable services',                        '',                           '',                           ''],

  ['V: ADD_SERVICE',                      '',                                              '',                           'devices not yet paired',     'incoming services'],
  ['V: START_SERVICE',                    '',                                              '',                           '',                           'incoming services'],
  ['V: STOP_SERVICE',                     'outgoing services',                             '',                           '',                           ''],
  ['V: REMOVE_SERVICE',                   'outgoing services',                             '',                           '',                           ''],
  ['V: SWAP_SERVICE',                     'outgoing services',                             '',                           '',                           'incoming services'],
  ['V: REGRET_SERVICE',                   'outgoing services',                             '',                           '',                           'incoming services (only when a swap is regretted)'],
  ['V: SWAP_INSTALLED_ITEM',              'services on the removed card',                  '',                           '',                           'services on the new card'],
  ['V: CHANGE_SUBSCRIPTION_DISTRIBUTION', '(service, card) pairs that the move unlinked',  '',                           '',                           ''],

  ['I: ADD_INSTALLED_ITEM',               '',                                              "the item's distributor",     "the item's distributor",     ''],
  ['I: REMOVE_INSTALLED_ITEM',            'services on the removed card',                  '',                           '',                           ''],
  ['I: SWAP_INSTALLED_ITEM',              'services on the removed card',                  "the new item's distributor", "the new item's distributor", ''],

  // Beyond the original matrix (R12): each acts as its twin above (REMOVE_SERVICE, REMOVE_SERVICE, REMOVE_INSTALLED_ITEM).
  ['V: CANCEL_SERVICE',                   'outgoing services',                             '',                           '',                           ''],
  ['V: UNDO_ADD_SERVICE',                 'outgoing services',                             '',                           '',                           ''],
  ['I: UNDO_ADD_INSTALLED_ITEM',          'services on the removed card',                  '',                           '',                           ''],
] as const satisfies readonly MatrixRow[];

/** One row of the matrix, with its cells by command. */
export interface Triggers {
  readonly action: ActionName;
  readonly cancel: CancelCell;
  readonly create: CreateCell;
  readonly extend: ExtendCell;
  readonly add: AddCell;
}

const FAMILY_LETTER = { SUBSCRIPTION: 'S', SERVICE: 'V', INSTALLED_ITEM: 'I' } as const;

const ROWS: ReadonlyMap<string, Triggers> = new Map(
  TRIGGER_MATRIX.map(([action, cancel, create, extend, add]) => [action, { action, cancel, create, extend, add }]),
);

/** Returns the row of the event's action; null for an action that the matrix does not know (R12). */
export function triggersOf(event: ActionEvent): Triggers | null {
  return ROWS.get(`${FAMILY_LETTER[event.family]}: ${event.type}`) ?? null;
}
