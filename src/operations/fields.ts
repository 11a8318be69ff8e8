import { z } from 'zod';

/** A moment in an operation's data: ISO 8601 in UTC, with `Z`. */
export const instant = () => z.iso.datetime().meta({ examples: ['2026-11-28T15:05:20.123Z'] });

/** The input of an operation that needs none. */
export const noInput = z.strictObject({}, 'leave the parameters out, or send {}');
