package servers;

import java.lang.reflect.Field;
import java.lang.reflect.Modifier;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import javax.xml.datatype.XMLGregorianCalendar;
import org.w3c.dom.Document;
import org.w3c.dom.Element;
import org.w3c.dom.Node;

/** Writes what a CAS received. Elements are `{"name":"{ns}local","attributes":{…},"text":…}`, with "children" for "text" where they have any. */
public final class Json {
  private Json() {}

  public static String of(Object value) {
    if (value == null) return "null";
    if (value instanceof Document document) return of(document.getDocumentElement());
    if (value instanceof Element element) return ofElement(element);
    if (value instanceof Number || value instanceof Boolean) return value.toString();
    if (value instanceof String text) return quoted(text);
    if (value instanceof Enum<?> one) return quoted(one.name());
    if (value instanceof XMLGregorianCalendar time) return quoted(time.toXMLFormat());
    List<String> parts = new ArrayList<>();
    if (value instanceof List<?> list) {
      for (Object item : list) parts.add(of(item));
      return "[" + String.join(",", parts) + "]";
    }
    if (value instanceof Map<?, ?> map) {
      map.forEach((name, item) -> parts.add(quoted((String) name) + ":" + of(item)));
      return "{" + String.join(",", parts) + "}";
    }
    for (Field field : value.getClass().getFields()) {
      if (Modifier.isStatic(field.getModifiers())) continue;
      try {
        parts.add(quoted(field.getName()) + ":" + of(field.get(value)));
      } catch (IllegalAccessException impossible) {
        throw new IllegalStateException(impossible);
      }
    }
    return "{" + String.join(",", parts) + "}";
  }

  private static String ofElement(Element element) {
    List<String> attributes = new ArrayList<>();
    for (int i = 0; i < element.getAttributes().getLength(); i++) {
      Node attribute = element.getAttributes().item(i);
      if ("http://www.w3.org/2000/xmlns/".equals(attribute.getNamespaceURI())) continue;
      attributes.add(quoted(nameOf(attribute)) + ":" + quoted(attribute.getNodeValue()));
    }
    List<String> children = new ArrayList<>();
    for (Node child = element.getFirstChild(); child != null; child = child.getNextSibling()) {
      if (child instanceof Element inner) children.add(ofElement(inner));
    }
    String content =
        children.isEmpty()
            ? "\"text\":" + quoted(element.getTextContent())
            : "\"children\":[" + String.join(",", children) + "]";
    return "{\"name\":" + quoted(nameOf(element)) + ",\"attributes\":{" + String.join(",", attributes) + "}," + content + "}";
  }

  private static String nameOf(Node node) {
    return node.getNamespaceURI() == null ? node.getLocalName() : "{" + node.getNamespaceURI() + "}" + node.getLocalName();
  }

  private static String quoted(String text) {
    StringBuilder out = new StringBuilder("\"");
    for (char c : text.toCharArray()) {
      if (c == '"' || c == '\\') out.append('\\').append(c);
      else if (c < ' ' || c > '~') out.append(String.format("\\u%04x", (int) c));
      else out.append(c);
    }
    return out.append('"').toString();
  }
}
