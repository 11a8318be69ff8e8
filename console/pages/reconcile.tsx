import { Title } from '@mantine/core';

export function ReconcilePage() {
  return <Title order={1}>Reconcile</Title>;
}
