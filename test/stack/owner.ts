/**
 * A program that owns a local stack of native processes and does nothing else. Prints one line when it is up; ends only
 * by what kills it.
 */
import { startStack, type PartName } from '../../dev/stack/index.ts';
import { ALONE } from './processes.ts';

const parts = (process.argv[2] ?? '').split(',') as PartName[];
const stack = await startStack({ parts, env: { ...process.env, ...ALONE } });
process.stdin.on('data', () => {
  throw new Error('a mistake that nobody caught');
});
console.log(`up ${stack.parts.map((part) => part.how).join(',')}`);
