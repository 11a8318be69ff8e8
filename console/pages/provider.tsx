import { Title } from '@mantine/core';

export function ProviderPage() {
  return <Title order={1}>Provider</Title>;
}
