import { randomBytes } from 'node:crypto';
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { createSeal, missingSeal } from '../../src/platform/seal.ts';

const key = (): string => randomBytes(32).toString('hex');

describe('sealed secrets', () => {
  test('any text comes back as it was, and sealing it twice gives different bytes', () => {
    const seal = createSeal(key());
    fc.assert(
      fc.property(fc.string({ unit: 'grapheme' }), (secret) => {
        expect(seal.unseal(seal.seal(secret))).toBe(secret);
        expect(seal.seal(secret).equals(seal.seal(secret))).toBe(false);
      }),
    );
  });

  test('another key, and a changed byte, are refused', () => {
    const seal = createSeal(key());
    const sealed = seal.seal('1234');
    expect(() => createSeal(key()).unseal(sealed)).toThrow('unable to authenticate data');
    for (const [index, byte] of sealed.entries()) {
      const changed = Buffer.from(sealed);
      changed[index] = byte ^ 1;
      expect(() => seal.unseal(changed), `byte ${index}`).toThrow('unable to authenticate data');
    }
  });

  test('while a key is replaced the new one seals, and what the former one sealed still opens', () => {
    const [former, next] = [key(), key()];
    const sealedBefore = createSeal(former).seal('1234');
    const both = createSeal(`${next}\n${former}\n`);
    expect(both.unseal(sealedBefore)).toBe('1234');
    expect(createSeal(next).unseal(both.seal('5678'))).toBe('5678');
    expect(() => createSeal(former).unseal(both.seal('5678'))).toThrow('unable to authenticate data');
  });

  test('without a key the error says which setting to set', () => {
    expect(() => missingSeal('PIN_KEY_FILE').seal('1234')).toThrow(/PIN_KEY_FILE is not set/);
  });
});
