import { Title } from '@mantine/core';

export function WhyPage() {
  return <Title order={1}>Why</Title>;
}
