import { createCipheriv, createDecipheriv, createHmac, randomBytes } from 'node:crypto';

/** Seals short secrets for storage: AES-256-GCM, a random nonce each time. */
export interface Seal {
  /** A check value of each key, in their order: it identifies a key without revealing it. */
  readonly checks: readonly string[];
  /** With the key of a check value; without one, with the first key. */
  seal(secret: string, check?: string): Buffer;
  /** With whichever key fits. @throws Error if none does, or the sealed bytes were changed. */
  unseal(sealed: Buffer): string;
}

const NONCE_BYTES = 12;
const TAG_BYTES = 16;

/** Keyed by each key; a key of 32 random bytes cannot be guessed from it. */
const CHECKED = 'conax-provisioning: which key is this?';

/**
 * A seal with keys of 32 bytes in hexadecimal, one a line. Each may seal, all of them open: while a key is replaced the
 * former one stays after the new one until what it sealed is gone.
 */
export function createSeal(keysHex: string): Seal {
  const seals = keysHex.trim().split(/\s+/).map(sealOf);
  const [first] = seals;
  if (!first) throw new Error('A seal needs a key: 64 hexadecimal characters');
  return {
    checks: seals.map(({ check }) => check),
    seal: (secret, check = first.check) => {
      const chosen = seals.find((one) => one.check === check);
      if (!chosen) throw new Error('None of the keys has this check value');
      return chosen.seal(secret);
    },
    unseal(sealed) {
      let problem: unknown;
      for (const one of seals) {
        try {
          return one.unseal(sealed);
        } catch (error) {
          problem = error;
        }
      }
      throw problem;
    },
  };
}

interface KeySeal {
  readonly check: string;
  seal(secret: string): Buffer;
  unseal(sealed: Buffer): string;
}

function sealOf(keyHex: string): KeySeal {
  const key = Buffer.from(keyHex, 'hex');
  return {
    check: createHmac('sha256', key).update(CHECKED).digest('hex'),
    seal(secret) {
      const nonce = randomBytes(NONCE_BYTES);
      const cipher = createCipheriv('aes-256-gcm', key, nonce);
      const text = Buffer.concat([cipher.update(secret, 'utf8'), cipher.final()]);
      return Buffer.concat([nonce, cipher.getAuthTag(), text]);
    },
    unseal(sealed) {
      const decipher = createDecipheriv('aes-256-gcm', key, sealed.subarray(0, NONCE_BYTES), {
        authTagLength: TAG_BYTES,
      });
      decipher.setAuthTag(sealed.subarray(NONCE_BYTES, NONCE_BYTES + TAG_BYTES));
      return Buffer.concat([decipher.update(sealed.subarray(NONCE_BYTES + TAG_BYTES)), decipher.final()]).toString(
        'utf8',
      );
    },
  };
}

/** The seal if no key is set: nothing can be sealed or unsealed, and the error names the remedy. */
export function missingSeal(setting: string): Seal {
  const fail = (): never => {
    throw new Error(`${setting} is not set: set it to the key that seals PINs (64 hexadecimal characters)`);
  };
  return { checks: [], seal: fail, unseal: fail };
}
