import { z } from 'zod';
import { integer } from '../http/input-kinds.ts';

/** The largest id and number that a caller can give. */
export const ID_MAX = 999_999_999_999_999;

/** The parameters of a path that names one thing by its id. */
export const identified = z.strictObject({ id: integer(1, ID_MAX) });

/** The input of a call that needs nothing said. */
export const nothingAsked = z.strictObject({}, 'leave the body out, or send {}');

/** A date in an answer. */
export const shownDate = () =>
  z.string().meta({ description: 'UTC, whole seconds.', examples: ['2014-11-28T15:05:20'] });
