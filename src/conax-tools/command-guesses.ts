import type { CommandType } from '../planning/command.ts';

const add = /^(?:add|grant|activate|authori[sz]e|entitle|enable|assign|subscribe|provision|order|open)$/;
const cancel =
  /^(?:cancel|revoke|remove|delete|deactivate|deauthori[sz]e|disable|unassign|unsubscribe|withdraw|terminate|stop|close)$/;
const ask = /^(?:get|list|query|read|find|retrieve|fetch|check|status|inquire)$/;
const show = /^(?:show|active|holdings)$/;
const entitlement =
  /^(?:subscriptions?|products?|entitlements?|services?|authori[sz]ations?|packages?|offers?|rights?|holdings?)$/;
const pairing = /^(?:pair|pairs|pairing|pairings|paired|bind|binding|marry|marriage)$/;
const text = /^(?:message|messages|msg|text|osd|bark|popup|banner|mail|mails|email|notification)$/;
const card = /^(?:card|cards|smartcard|client|clients)$/;
/** What a list is of, rather than for. */
const hardware = /^(?:cards|clients|modules|boxes|devices)$/;
const box = /^(?:module|modules|stb|box|boxes|device|devices|receiver|decoder)$/;

/** What the words of an operation's name must and must not hold, for the first command that fits. */
const rules: readonly (readonly [CommandType, has: readonly RegExp[], hasNot: readonly RegExp[]])[] = [
  ['DISPLAY_FINGERPRINT', [/^finger(?:print|printing)?$/], [ask, cancel]],
  ['UPDATE_CA_PIN_TO_DEFAULT_VALUE', [/^pin$/, /^(?:default|reset|clear)$/], [ask]],
  ['UPDATE_CA_PIN_TO_GIVEN_VALUE', [/^pin$/, /^(?:set|change|update|given|value|new)$/], [ask]],
  ['GET_PAIRING_STATUS_FOR_PAIRING_MODULE', [pairing, ask, box], []],
  ['GET_PAIRING_STATUS_FOR_CARD', [pairing, ask], []],
  ['ADD_TO_EXISTING_PAIRING', [pairing, /^(?:add|extend|existing|join)$/], [cancel]],
  ['CREATE_PAIRING', [pairing], [cancel]],
  [
    'SEND_REPEATING_BARK_MESSAGE_TO_CLIENT',
    [text, /^(?:repeat|repeated|repeating|cyclic|recurring|loop)$/],
    [ask, cancel],
  ],
  ['SEND_MAIL_MESSAGE_TO_CLIENT', [/^(?:mail|mails|email)$/], [ask, cancel]],
  ['SEND_BARK_MESSAGE_TO_CLIENT', [text], [ask, cancel]],
  ['GET_ACTIVE_SUBSCRIPTIONS', [ask, entitlement], []],
  ['CANCEL_SUBSCRIPTIONS', [cancel, entitlement], []],
  ['ADD_SUBSCRIPTIONS', [add, entitlement], []],
  ['GET_ACTIVE_SUBSCRIPTIONS', [show, entitlement], []],
  ['CANCEL_SUBSCRIPTIONS', [cancel], [card, box, text, pairing]],
  ['ADD_SUBSCRIPTIONS', [add], [card, box, text, pairing]],
  ['GET_ACTIVE_SUBSCRIPTIONS', [/^list$/], [text, pairing, /^pin$/, /^finger(?:print|printing)?$/, hardware]],
];

/** Returns the command that an operation looks like by its name; null if there is none. */
export function commandLike(operation: string): CommandType | null {
  const words = wordsOf(operation);
  const has = (pattern: RegExp): boolean => words.some((word) => pattern.test(word));
  return rules.find(([, must, mustNot]) => must.every(has) && !mustNot.some(has))?.[0] ?? null;
}

/** `getPairingStatusForSTB_v2` -> get, pairing, status, for, stb, v, 2. */
export function wordsOf(name: string): string[] {
  const parts = name.match(/\p{Lu}+(?!\p{Ll})|\p{Lu}?\p{Ll}+|\d+/gu) ?? [];
  return parts.map((part) => part.toLowerCase());
}
