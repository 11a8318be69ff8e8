import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import kafkajs from '../../../src/platform/kafkajs/index.ts';
import {
  checkVersion,
  kafkajsVersion,
  REPAIRED_VERSION,
  replaceInternal,
} from '../../../src/platform/kafkajs/internals.ts';
import { parseBroker } from '../../../src/platform/kafkajs/broker-addresses.ts';

describe('The repairs of kafkajs', () => {
  it('hold for the version that is installed, and refuse any other with what must be checked again', () => {
    expect(kafkajsVersion()).toBe(REPAIRED_VERSION);
    expect(() => checkVersion(REPAIRED_VERSION)).not.toThrow();
    expect(() => checkVersion('2.2.5')).toThrow(
      'kafkajs 2.2.5 is installed, and src/platform/kafkajs/ repairs 2.2.4: install 2.2.4, or compare every file of that directory with the new source of kafkajs, run test/platform/kafkajs, and change REPAIRED_VERSION last',
    );
  });

  it('cannot come too late: they refuse a kafkajs that was loaded before them', () => {
    expect(kafkajs.Kafka).toBeDefined();
    expect(() => replaceInternal('cluster/connectionPoolBuilder.js', (original) => original)).toThrow(
      'kafkajs was loaded without its repairs',
    );
  });

  it('are what all code gets: nothing imports the library itself, except types and the plain service of the benchmark', () => {
    const root = join(import.meta.dirname, '../../..');
    const plainService = join('dev', 'bench', 'plain-service.ts');
    const found = ['src', 'dev', 'test'].flatMap((directory) =>
      readdirSync(join(root, directory), { recursive: true, encoding: 'utf8' })
        .filter((file) => file.endsWith('.ts'))
        .map((file) => join(directory, file))
        .filter((file) => /^import (?!type ).*from 'kafkajs';/m.test(readFileSync(join(root, file), 'utf8'))),
    );
    expect(found).toEqual([plainService]);
  });
});

describe('The address of a broker', () => {
  it.each([
    ['kafka-1.example:9092', { host: 'kafka-1.example', port: 9092 }],
    ['127.0.0.1:19092', { host: '127.0.0.1', port: 19_092 }],
    ['[::1]:19092', { host: '::1', port: 19_092 }],
    ['[fe80::1%eth0]:9092', { host: 'fe80::1%eth0', port: 9092 }],
    ['::1:9092', null],
    ['kafka', null],
    ['kafka:0', null],
    ['kafka:99999', null],
    ['PLAINTEXT://kafka:9092', null],
    ['[::1]', null],
  ])('%s is read as %o', (address, expected) => {
    expect(parseBroker(address)).toEqual(expected);
  });
});
