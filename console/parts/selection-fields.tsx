import { Checkbox, Group, NativeSelect, Stack, Textarea, TextInput } from '@mantine/core';
import { entriesOf, type Form, given, momentOf } from './form.tsx';

export const EMPTY_SELECTION = {
  /** How the targets are selected. */
  by: 'list',
  list: '',
  product_by: 'code',
  product: '',
  states: '',
  distributor: '',
  without_distributor: '',
  refused_with: '',
  refused_since: '',
};
export type SelectionValues = Record<keyof typeof EMPTY_SELECTION, string>;

const STATES = [
  'EFFECTIVE',
  'SHORT_TERM_EFFECTIVE',
  'NOT_EFFECTIVE',
  'SHORT_TERM_NOT_EFFECTIVE',
  'IN_RESTING',
  'DRAFT',
  'TERMINATED',
];

/** For whom a run is: listed ones, all, those that fit conditions, or (subscriptions only) those with refusals. */
export function SelectionFields({ form, list }: { form: Form<SelectionValues>; list: 'cards' | 'subscriptions' }) {
  const { values, field } = form;
  const ways = [
    { value: 'list', label: `These ${list}` },
    { value: 'filter', label: `All ${list} that fit conditions` },
    ...(list === 'subscriptions' ? [{ value: 'refused', label: 'Subscriptions with refused requests' }] : []),
    { value: 'all', label: `All ${list}` },
  ];
  return (
    <>
      <NativeSelect {...field('by', 'For whom', 'selection')} description={undefined} data={ways} />
      {values.by === 'list' && (
        <Textarea
          {...field('list', list === 'cards' ? 'Cards' : 'Subscriptions', `selection.${list}`)}
          placeholder="one a line"
          required
          autosize
          minRows={3}
          maxRows={12}
        />
      )}
      {values.by === 'filter' && <Conditions form={form} />}
      {values.by === 'refused' && (
        <Group align="start" grow preventGrowOverflow={false}>
          <TextInput {...field('refused_with', 'Error code', 'selection.refused_with')} required miw={220} />
          <TextInput
            {...field('refused_since', 'Submitted since (your time)', 'selection.refused_since')}
            type="datetime-local"
            required
            miw={220}
          />
        </Group>
      )}
    </>
  );
}

function Conditions({ form: { values, change, field, check } }: { form: Form<SelectionValues> }) {
  const states = entriesOf(values.states);
  return (
    <Stack gap="sm">
      <Group align="start" grow preventGrowOverflow={false}>
        <NativeSelect
          {...field('product_by', 'Product by', 'selection.product')}
          data={[
            { value: 'code', label: 'its code' },
            { value: 'alternative_code', label: 'its alternative code' },
            { value: 'id', label: 'its id' },
          ]}
          miw={180}
        />
        <TextInput {...field('product', 'Product', `selection.product.${values.product_by}`)} miw={220} />
      </Group>
      <Checkbox.Group
        label="States of the subscription"
        description={field('states', '', 'selection.subscription_states').description}
        error={field('states', '', 'selection.subscription_states').error}
        value={states}
        onChange={(chosen) => change({ states: chosen.join(' ') })}
      >
        <Group mt="xs" gap="sm">
          {STATES.map((state) => (
            <Checkbox key={state} value={state} label={state} />
          ))}
        </Group>
      </Checkbox.Group>
      <TextInput
        {...field('distributor', 'Distributor', 'selection.distributor')}
        disabled={values.without_distributor === 'true'}
      />
      <Checkbox
        {...check('without_distributor', 'Those without a distributor', 'selection.distributor')}
        description={undefined}
      />
    </Stack>
  );
}

/** The selection as the API takes it. */
export function selectionOf(values: SelectionValues, list: 'cards' | 'subscriptions') {
  if (values.by === 'all') return { all: true as const };
  if (values.by === 'list') return { [list]: entriesOf(values.list) };
  if (values.by === 'refused') {
    return { refused_with: given(values.refused_with), refused_since: momentOf(values.refused_since) };
  }
  const states = entriesOf(values.states);
  return {
    ...(given(values.product) === undefined ? {} : { product: { [values.product_by]: given(values.product) } }),
    ...(states.length === 0 ? {} : { subscription_states: states }),
    distributor: values.without_distributor === 'true' ? null : given(values.distributor),
  };
}
