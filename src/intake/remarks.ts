/**
 * Oddities that are recorded with an event and counted, while the event is processed normally. The closed list has
 * their meanings and what to look for. docs/errors-intake.md repeats it, and a test compares the two.
 */
export const remarks = {
  VERSION_GAP: {
    meaning: 'Versions between the newest applied one and this one have not been read.',
    lookFor: 'Events that the CRM did not send, or that are on their way in another topic.',
  },
  SHARED_VERSION: {
    meaning: 'Another action of the subscription has the same version.',
    lookFor:
      'A CRM that does not raise the version with every action: late events cannot be distinguished from newer ones.',
  },
  KEY_MISMATCH: {
    meaning: 'The key of the message is not the subscription number of its event.',
    lookFor: 'A producer that keys by something else: the events of one subscription may come out of order.',
  },
  CE_ID_MISMATCH: {
    meaning: 'The header ce_id is not the eventId of the event; the eventId rules.',
    lookFor: 'A producer that makes up its CloudEvents headers.',
  },
  UNKNOWN_ACTION: {
    meaning: 'The trigger matrix does not know the action (R12): nothing was sent; its snapshot counts.',
    lookFor: 'A new action type of the CRM. It may have been a deactivation: see whether the CAS has to follow it.',
  },
} as const satisfies Record<string, { meaning: string; lookFor: string }>;

export type Remark = keyof typeof remarks;
