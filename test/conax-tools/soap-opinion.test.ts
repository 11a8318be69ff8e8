import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { defaultCasFile, inspectCas, loadCasDefinition } from '../../src/conax-checks/cas-definition.ts';
import { soapOpinions, soapOpinionsApart } from '../../src/conax-tools/soap-opinion.ts';
import { writeSet } from '../conax/sets/quay.ts';
import { wsdlConstructs } from '../conax/sets/wsdl-constructs.ts';
import { acme, directoryWith, initialised } from './support.ts';

async function opinionsOf(file: string): Promise<string[]> {
  return soapOpinions(Object.values((await loadCasDefinition(file)).commands));
}

describe('the package soap, as a second reader of the WSDLs', () => {
  it("agrees with the project's own templates", async () => {
    expect(await opinionsOf(defaultCasFile)).toEqual([]);
  });

  it('is quoted if it reads a command in another way, as it does if imported names clash', async () => {
    const clash = wsdlConstructs['imports of two WSDLs whose names clash'];
    const file = await writeSet(clash ?? {});
    const opinions = await opinionsOf(file);
    expect(await soapOpinionsApart(Object.values((await loadCasDefinition(file)).commands))).toEqual(opinions);
    expect(opinions).toEqual([
      expect.stringMatching(
        /quay\.wsdl:1: CANCEL_SUBSCRIPTIONS sends \{.*\}Withdraw with the SOAPAction ".*Withdraw"; the package soap reads no operation that takes it; compare with a request of SoapUI$/,
      ),
    ]);
  });

  it('is not quoted for the actions of several ports, as it has only those of the last one', async () => {
    const wsdl = acme['acme.wsdl'] ?? '';
    const [binding = ''] = /<wsdl:binding [^]*<\/wsdl:binding>/.exec(wsdl) ?? [];
    const second = binding.replace('name="CasSoap"', 'name="Second"').replaceAll('"urn:acme/', '"urn:second/');
    const port =
      '<wsdl:port name="SecondPort" binding="s:Second"><soap:address location="http://cas.example/2"/></wsdl:port>';
    const two = wsdl
      .replace('<wsdl:service ', `${second}<wsdl:service `)
      .replace('</wsdl:service>', `${port}</wsdl:service>`);
    const directory = directoryWith({ ...acme, 'acme.wsdl': two });
    initialised(join(directory, 'acme.wsdl'), directory, [['ResetPin', 'UPDATE_CA_PIN_TO_DEFAULT_VALUE']]);
    const { commands } = inspectCas(join(directory, 'conax.json'));
    expect(commands.UPDATE_CA_PIN_TO_DEFAULT_VALUE?.soapAction).toBe('urn:acme/ResetPin');
    expect(await soapOpinions(Object.values(commands))).toEqual([]);
  });
});
