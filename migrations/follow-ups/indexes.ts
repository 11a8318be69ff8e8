/** An index on a table that may be big: built without blocking writes, after the migrations. */
export interface LateIndex {
  readonly name: string;
  /** What follows `create index concurrently NAME`. */
  readonly definition: string;
}

/** In the order of building. A released entry is never changed: another index gets another name. */
export const INDEXES: readonly LateIndex[] = [
  // 0021: what a person must still look at. So few rows cost the others nothing.
  {
    name: 'inbox_undecided',
    definition: `on inbox (id) where disposition = 'DEAD_LETTERED' and resolved_at is null`,
  },
  { name: 'outbox_parked', definition: 'on outbox (id) where parked_reason is not null' },
];
