import { Paper, Text, Title } from '@mantine/core';
import { Why } from '../../parts/link.tsx';
import type { Explanation } from './use-explanation.ts';

type Pairing = Explanation['pairings'][number];

/** The set-top boxes of each card by the CRM, by our last pairing and by the CAS; what differs is marked in words. */
export function Pairings({ pairings, notAsked }: Pick<Explanation, 'pairings'> & { notAsked: string | null }) {
  if (pairings.length === 0) return null;
  return (
    <section>
      <Title order={2} size="h4" mb="xs">
        Pairing
      </Title>
      {pairings.map((pairing) => (
        <Drawn key={JSON.stringify(pairing)} pairing={pairing} notAsked={notAsked} />
      ))}
    </section>
  );
}

function Drawn({
  pairing: { smartcard_ca_id: card, crm, known, cas },
  notAsked,
}: {
  pairing: Pairing;
  notAsked: string | null;
}) {
  const nothing = notAsked === null ? 'It has not answered.' : `It was not asked: ${notAsked}.`;
  return (
    <div className="pairing">
      <Side title="CRM" card={card} boxes={crm} wanted={crm} nothing="" />
      <Side
        title="Our last pairing"
        card={card}
        boxes={known}
        wanted={crm}
        nothing="No pairing that was done is known."
      />
      <Side title="CAS" card={card} boxes={cas} wanted={crm} nothing={nothing} />
    </div>
  );
}

function Side({
  title,
  card,
  boxes,
  wanted,
  nothing,
}: {
  title: string;
  card: string;
  boxes: readonly string[] | null;
  wanted: readonly string[];
  nothing: string;
}) {
  const missing = boxes === null ? [] : wanted.filter((box) => !boxes.includes(box));
  return (
    <Paper withBorder p="sm">
      <Title order={3} size="h6" mb={6}>
        {title}
      </Title>
      <span className="device">
        Card <Why of={card} />
      </span>
      {boxes === null ? (
        <Text size="sm" mt={6} className="breaks">
          {nothing}
        </Text>
      ) : (
        <ul>
          {boxes.map((box) => (
            <Box key={box} box={box} differs={wanted.includes(box) ? null : 'not in the CRM'} />
          ))}
          {missing.map((box) => (
            <Box key={box} box={box} differs="missing here" />
          ))}
          {boxes.length + missing.length === 0 && <li>no set-top box</li>}
        </ul>
      )}
    </Paper>
  );
}

function Box({ box, differs }: { box: string; differs: string | null }) {
  return (
    <li>
      <span className="device" {...(differs === null ? {} : { 'data-differs': true })}>
        STB <Why of={box} />
        {differs !== null && <strong> {differs}</strong>}
      </span>
    </li>
  );
}
