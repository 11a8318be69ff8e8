package servers;

import java.io.StringReader;
import java.util.List;
import java.util.Map;
import java.util.concurrent.ConcurrentHashMap;
import javax.security.auth.callback.CallbackHandler;
import javax.xml.namespace.QName;
import javax.xml.transform.dom.DOMSource;
import org.apache.cxf.Bus;
import org.apache.cxf.BusFactory;
import org.apache.cxf.binding.BindingFactory;
import org.apache.cxf.binding.BindingFactoryManager;
import org.apache.cxf.binding.soap.SoapMessage;
import org.apache.cxf.databinding.source.SourceDataBinding;
import org.apache.cxf.endpoint.EndpointImpl;
import org.apache.cxf.endpoint.ServerImpl;
import org.apache.cxf.headers.Header;
import org.apache.cxf.interceptor.OneWayProcessorInterceptor;
import org.apache.cxf.interceptor.OutgoingChainInterceptor;
import org.apache.cxf.interceptor.ServiceInvokerInterceptor;
import org.apache.cxf.message.Exchange;
import org.apache.cxf.message.Message;
import org.apache.cxf.message.MessageContentsList;
import org.apache.cxf.phase.AbstractPhaseInterceptor;
import org.apache.cxf.phase.Phase;
import org.apache.cxf.service.Service;
import org.apache.cxf.service.model.EndpointInfo;
import org.apache.cxf.service.model.ServiceInfo;
import org.apache.cxf.staxutils.StaxUtils;
import org.apache.cxf.transport.DestinationFactory;
import org.apache.cxf.transport.DestinationFactoryManager;
import org.apache.cxf.ws.addressing.WSAddressingFeature;
import org.apache.cxf.ws.policy.PolicyEngine;
import org.apache.cxf.ws.security.wss4j.WSS4JInInterceptor;
import org.apache.cxf.wsdl11.WSDLServiceFactory;
import org.apache.wss4j.common.ext.WSPasswordCallback;
import org.w3c.dom.Element;
import org.w3c.dom.Node;

/**
 * One CAS whose operations CXF reads from a WSDL, with schema validation in both directions. CXF chooses the operation by the
 * body element, holds the SOAPAction against it, and refuses what the schemas do not allow; only then is it recorded.
 *
 * <p>Parameters: `wsdl` (file); `port`, the first of the WSDL unless named; `mtom=true` answers as multipart/related; `encoding` is the
 * charset of the answers; `addressing=true` demands WS-Addressing; `username` and `password` demand a WS-Security UsernameToken, with `policy=true` only if a policy of the WSDL does.
 */
final class WsdlFirst {
  /** The body element of the answer by the operation's name; without one the body of the answer is empty. */
  final Map<String, String> answers = new ConcurrentHashMap<>();

  private final List<String> received;

  WsdlFirst(String address, Map<String, String> parameters, List<String> received) throws Exception {
    this.received = received;
    Bus bus = BusFactory.getDefaultBus();
    bus.getExtension(PolicyEngine.class).setEnabled(true);
    Service service = new WSDLServiceFactory(bus, parameters.get("wsdl")).create();
    service.setDataBinding(new SourceDataBinding(DOMSource.class));
    service.setInvoker(this::invoke);
    service.getInInterceptors().add(new ServiceInvokerInterceptor());
    service.getInInterceptors().add(new OutgoingChainInterceptor());
    service.getInInterceptors().add(new OneWayProcessorInterceptor());
    // An operation whose element wraps its parameters stays one whole element: so it is validated and recorded.
    for (ServiceInfo part : service.getServiceInfos()) {
      part.getInterface().getOperations().forEach((operation) -> operation.setUnwrappedOperation(null));
    }
    EndpointInfo port = portOf(service, parameters.get("port"));
    port.setAddress(address);
    EndpointImpl endpoint = new EndpointImpl(bus, service, port);
    endpoint.put("schema-validation-enabled", "true");
    // Xerces knows all of XML Schema; the other one fails at xsi:nil and at xsi:type of an abstract type.
    endpoint.put(SourceDataBinding.NOT_USE_MSV_SCHEMA_VALIDATOR, "true");
    if (parameters.containsKey("mtom")) endpoint.put(Message.MTOM_ENABLED, "true");
    if (parameters.containsKey("encoding")) endpoint.getOutInterceptors().add(encoded(parameters.get("encoding")));
    if (parameters.containsKey("policy")) endpoint.put("security.callback-handler", passwordOf(parameters));
    else if (parameters.containsKey("username")) endpoint.getInInterceptors().add(usernameToken(parameters));
    if (parameters.containsKey("addressing")) {
      WSAddressingFeature addressing = new WSAddressingFeature();
      addressing.setAddressingRequired(true);
      addressing.initialize(endpoint, bus);
    }
    DestinationFactory destinations =
        bus.getExtension(DestinationFactoryManager.class).getDestinationFactoryForUri(address);
    BindingFactory bindings =
        bus.getExtension(BindingFactoryManager.class).getBindingFactory(port.getBinding().getBindingId());
    new ServerImpl(bus, endpoint, destinations, bindings).start();
  }

  private static EndpointInfo portOf(Service service, String name) {
    for (ServiceInfo part : service.getServiceInfos()) {
      for (EndpointInfo port : part.getEndpoints()) {
        if (name == null || port.getName().getLocalPart().equals(name)) return port;
      }
    }
    throw new IllegalArgumentException("no port " + name);
  }

  private Object invoke(Exchange exchange, Object parts) {
    Message message = exchange.getInMessage();
    QName operation = exchange.getBindingOperationInfo().getName();
    StringBuilder headers = new StringBuilder();
    for (Header header : ((SoapMessage) message).getHeaders()) {
      if (!(header.getObject() instanceof Element element)) continue;
      headers.append(headers.length() == 0 ? "" : ",").append(Json.of(element));
    }
    StringBuilder body = new StringBuilder();
    for (Object part : (List<?>) parts) {
      if (part == null) continue;
      Node node = ((DOMSource) part).getNode();
      body.append(body.length() == 0 ? "" : ",").append(Json.of(node));
    }
    received.add(
        "{\"operation\":" + Json.of(operation.toString()) + ",\"headers\":[" + headers + "],\"body\":[" + body + "]}");
    MessageContentsList answer = new MessageContentsList();
    String text = answers.get(operation.getLocalPart());
    try {
      if (text != null) answer.add(new DOMSource(StaxUtils.read(new StringReader(text))));
    } catch (Exception impossible) {
      throw new IllegalStateException(impossible);
    }
    return answer;
  }

  private static AbstractPhaseInterceptor<Message> encoded(String charset) {
    return new AbstractPhaseInterceptor<>(Phase.SETUP) {
      @Override
      public void handleMessage(Message message) {
        message.put(Message.ENCODING, charset);
      }
    };
  }

  private static WSS4JInInterceptor usernameToken(Map<String, String> parameters) {
    Object passwords = passwordOf(parameters);
    return new WSS4JInInterceptor(
        Map.of("action", "UsernameToken", "passwordType", "PasswordText", "passwordCallbackRef", passwords));
  }

  private static CallbackHandler passwordOf(Map<String, String> parameters) {
    return (callbacks) -> {
      WSPasswordCallback callback = (WSPasswordCallback) callbacks[0];
      if (parameters.get("username").equals(callback.getIdentifier())) callback.setPassword(parameters.get("password"));
    };
  }
}
