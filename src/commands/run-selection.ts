import { type Command, Option } from 'commander';
import { messageOf } from '../platform/errors.ts';
import { readStandardInput, readTextFile } from '../platform/text.ts';
import { UsageError } from './exit-codes.ts';
import type { OptionNames } from './operation.ts';

/** What the options of a selection are given as. */
export interface SelectionArguments {
  readonly all?: boolean;
  readonly cards?: string;
  readonly subscriptions?: string;
  readonly productCode?: string;
  readonly productId?: string;
  readonly productAlternativeCode?: string;
  readonly state?: string;
  readonly distributor?: string;
  readonly withoutDistributor?: boolean;
}

/** Which option is behind each field of a selection, for errors. */
export const SELECTION_OPTIONS: OptionNames = {
  selection: '--cards',
  cards: '--cards',
  subscriptions: '--subscriptions',
  product: '--product-code',
  subscription_states: '--state',
  distributor: '--distributor',
  all: '--all',
};

/** Adds the options of a selection of cards, or of subscriptions. */
export function withSelection(command: Command, of: 'cards' | 'subscriptions'): Command {
  const [option, what] = of === 'cards' ? ['--cards', 'CA id'] : ['--subscriptions', 'number'];
  return command
    .option(`${option} <file>`, `those of a file, one ${what} a line; - is standard input`)
    .option('--product-code <code>', 'with an effective service of this product')
    .option('--product-id <id>', 'the same, by the id of the product or of the service')
    .option('--product-alternative-code <code>', 'the same, by the alternative code')
    .option('--state <states>', 'of subscriptions in one of these states, separated by commas')
    .option('--distributor <name>', 'with this distributor')
    .addOption(new Option('--without-distributor', 'without a distributor').conflicts('distributor'))
    .option('--all', `all ${of} that are known`);
}

/** The selection as its schema takes it; the schema says what is wrong with it. */
export async function selectionOf(given: SelectionArguments): Promise<Record<string, unknown>> {
  const product = {
    ...(given.productCode === undefined ? {} : { code: given.productCode }),
    ...(given.productId === undefined ? {} : { id: given.productId }),
    ...(given.productAlternativeCode === undefined ? {} : { alternative_code: given.productAlternativeCode }),
  };
  return {
    ...(given.all === true ? { all: true } : {}),
    ...(given.cards === undefined ? {} : { cards: await linesOf('--cards', given.cards) }),
    ...(given.subscriptions === undefined
      ? {}
      : { subscriptions: await linesOf('--subscriptions', given.subscriptions) }),
    ...(Object.keys(product).length === 0 ? {} : { product }),
    ...(given.state === undefined ? {} : { subscription_states: given.state.split(',').map((one) => one.trim()) }),
    ...(given.distributor === undefined ? {} : { distributor: given.distributor }),
    ...(given.withoutDistributor === true ? { distributor: null } : {}),
  };
}

/** The lines, without blanks around them and without empty ones at the end, so that a place in the list is a line. */
async function linesOf(option: string, file: string): Promise<string[]> {
  try {
    const text = file === '-' ? await readStandardInput() : readTextFile(file);
    return text
      .trimEnd()
      .split('\n')
      .map((line) => line.trim());
  } catch (error) {
    throw new UsageError(`${option}: ${messageOf(error)}`);
  }
}
