import { createCipheriv, createDecipheriv, randomBytes } from 'node:crypto';

/** Seals short secrets for storage: AES-256-GCM, a random nonce each time. */
export interface Seal {
  seal(secret: string): Buffer;
  /** @throws Error when the key is another one, or the sealed bytes were changed. */
  unseal(sealed: Buffer): string;
}

const NONCE_BYTES = 12;
const TAG_BYTES = 16;

/** A seal with a key of 32 bytes in hexadecimal. */
export function createSeal(keyHex: string): Seal {
  const key = Buffer.from(keyHex.trim(), 'hex');
  return {
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

/** The seal where no key is set: nothing can be sealed or unsealed, and the error says what to do. */
export function missingSeal(setting: string): Seal {
  const fail = (): never => {
    throw new Error(`${setting} is not set: set it to the key that seals PINs (64 hexadecimal characters)`);
  };
  return { seal: fail, unseal: fail };
}
