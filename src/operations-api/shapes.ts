import { z } from 'zod';

/** The input of a call that needs nothing said. */
export const nothingAsked = z.strictObject({}, 'leave the body out, or send {}');

/** A date in an answer. */
export const shownDate = () =>
  z.string().meta({ description: 'UTC, whole seconds.', examples: ['2014-11-28T15:05:20'] });
