import { inject } from 'vitest';
import type { PartName } from '../../dev/stack/index.ts';
import type { PartAnswer } from './global-setup.ts';

const answers = new Map<PartName, Promise<PartAnswer>>();

/** Where a part of the run's local stack is; the first to ask starts it. @throws when it cannot be started. */
export function stackPart(name: PartName): Promise<PartAnswer> {
  const answer = answers.get(name) ?? ask(name);
  answers.set(name, answer);
  return answer;
}

async function ask(name: PartName): Promise<PartAnswer> {
  const response = await fetch(`${inject('stackDoor')}/${name}`);
  if (!response.ok) throw new Error(await response.text());
  return (await response.json()) as PartAnswer;
}
