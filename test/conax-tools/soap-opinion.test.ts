import { describe, expect, it } from 'vitest';
import { defaultCasFile, loadCasDefinition } from '../../src/conax-checks/cas-definition.ts';
import { soapOpinions } from '../../src/conax-tools/soap-opinion.ts';
import { writeSet } from '../conax/sets/quay.ts';
import { wsdlConstructs } from '../conax/sets/wsdl-constructs.ts';

async function opinionsOf(file: string): Promise<string[]> {
  return soapOpinions(Object.values((await loadCasDefinition(file)).commands));
}

describe('the package soap, as a second reader of the WSDLs', () => {
  it("agrees with the project's own templates", async () => {
    expect(await opinionsOf(defaultCasFile)).toEqual([]);
  });

  it('is quoted if it reads a command in another way, as it does if imported names clash', async () => {
    const clash = wsdlConstructs['imports of two WSDLs whose names clash'];
    expect(await opinionsOf(await writeSet(clash ?? {}))).toEqual([
      expect.stringMatching(
        /quay\.wsdl:1: CANCEL_SUBSCRIPTIONS sends \{.*\}Withdraw with the SOAPAction ".*Withdraw"; the package soap reads no operation that takes it; compare with a request of SoapUI$/,
      ),
    ]);
  });
});
