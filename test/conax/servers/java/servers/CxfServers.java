package servers;

import com.sun.net.httpserver.HttpExchange;
import com.sun.net.httpserver.HttpServer;
import harbour.Harbour;
import java.io.IOException;
import java.io.PrintWriter;
import java.io.StringWriter;
import java.net.InetSocketAddress;
import java.net.URLDecoder;
import java.nio.charset.StandardCharsets;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.concurrent.CopyOnWriteArrayList;
import java.util.concurrent.Executors;
import org.apache.cxf.jaxws.JaxWsServerFactoryBean;

/**
 * CASs on Apache CXF, for tests. Arguments: the port of this control server and the port of the CASs, both on 127.0.0.1.
 *
 * <ul>
 *   <li>POST /publish?path=&amp;wsdl=&hellip;: opens a WSDL-first CAS ({@link WsdlFirst} names the other parameters). 500 with
 *       CXF's reason where CXF cannot use the WSDL.
 *   <li>PUT /answer?path=&amp;operation=: the body element with which a WSDL-first CAS answers the operation.
 *   <li>POST /take?path=: what a CAS received since the last time, as CXF read it, one JSON object a line.
 * </ul>
 *
 * The code-first CAS is at /harbour from the start.
 */
public final class CxfServers {
  private static final String HOST = "127.0.0.1";
  private static final Map<String, List<String>> received = new HashMap<>();
  private static final Map<String, WsdlFirst> wsdlFirst = new HashMap<>();
  private static String base;

  public static void main(String[] arguments) throws IOException {
    base = "http://" + HOST + ":" + arguments[1];
    publishHarbour();
    HttpServer control = HttpServer.create(new InetSocketAddress(HOST, Integer.parseInt(arguments[0])), 0);
    control.setExecutor(Executors.newSingleThreadExecutor());
    control.createContext("/", CxfServers::handle);
    control.start();
  }

  private static void publishHarbour() {
    JaxWsServerFactoryBean factory = new JaxWsServerFactoryBean();
    factory.setServiceBean(new Harbour(logOf("/harbour")));
    factory.setAddress(base + "/harbour");
    factory.setProperties(new HashMap<>(Map.of("schema-validation-enabled", "true")));
    factory.create();
  }

  /** The log of the CAS at this path; a log takes JSON objects. */
  private static List<String> logOf(String path) {
    synchronized (received) {
      return received.computeIfAbsent(path, (unused) -> new CopyOnWriteArrayList<>());
    }
  }

  private static void handle(HttpExchange exchange) throws IOException {
    try (exchange) {
      String body = new String(exchange.getRequestBody().readAllBytes(), StandardCharsets.UTF_8);
      String answer;
      int status = 200;
      try {
        answer = answer(exchange.getRequestMethod(), exchange.getRequestURI().getPath(), query(exchange), body);
      } catch (Throwable failure) {
        StringWriter text = new StringWriter();
        failure.printStackTrace(new PrintWriter(text));
        answer = text.toString();
        status = 500;
      }
      byte[] bytes = answer.getBytes(StandardCharsets.UTF_8);
      exchange.sendResponseHeaders(status, bytes.length == 0 ? -1 : bytes.length);
      exchange.getResponseBody().write(bytes);
    }
  }

  private static String answer(String method, String action, Map<String, String> query, String body) throws Exception {
    String path = query.get("path");
    switch (method + " " + action) {
      case "POST /take":
        String taken = String.join("\n", logOf(path));
        logOf(path).clear();
        return taken;
      case "PUT /answer":
        wsdlFirst.get(path).answers.put(query.get("operation"), body);
        return "";
      case "POST /publish":
        wsdlFirst.put(path, new WsdlFirst(base + path, query, logOf(path)));
        return "";
      default:
        return "ready";
    }
  }

  private static Map<String, String> query(HttpExchange exchange) {
    Map<String, String> values = new HashMap<>();
    String query = exchange.getRequestURI().getRawQuery();
    if (query == null) return values;
    for (String pair : query.split("&")) {
      String[] parts = pair.split("=", 2);
      values.put(parts[0], URLDecoder.decode(parts[1], StandardCharsets.UTF_8));
    }
    return values;
  }
}
