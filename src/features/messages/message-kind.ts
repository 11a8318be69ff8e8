import { z } from 'zod';
import { checkMessage, messageCommand, messageFields } from './message-content.ts';
import { cardSource } from '../runs/card-source.ts';
import { runKind } from '../runs/kind.ts';
import { forEachCard } from '../runs/well-formed.ts';

/** What to show on the screens. */
export const messageParameters = z.strictObject(messageFields).superRefine(checkMessage);

/** MESSAGE: one mail, bark or repeating bark to every card of a selection. */
export const messageKind = runKind({
  name: 'MESSAGE',
  description: 'a mail, bark or repeating bark message to every card of a selection',
  process: 'MAIL_BARK_MESSAGE_RUN',
  parameters: messageParameters,
  source: cardSource,
  chunk: 50,
  async planRequests(tx, { parameters }, targets, context) {
    const now = new Date();
    return await forEachCard(tx, targets, context, ({ smartcard, subscription }) => ({
      command: messageCommand(parameters, smartcard, now, null),
      subscription,
    }));
  },
});
