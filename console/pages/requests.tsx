import { Title } from '@mantine/core';

export function RequestsPage() {
  return <Title order={1}>Requests</Title>;
}
