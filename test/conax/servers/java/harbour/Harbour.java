package harbour;

import jakarta.jws.WebMethod;
import jakarta.jws.WebParam;
import jakarta.jws.WebResult;
import jakarta.jws.WebService;
import jakarta.jws.soap.SOAPBinding;
import jakarta.xml.bind.annotation.XmlAttribute;
import jakarta.xml.bind.annotation.XmlElement;
import jakarta.xml.bind.annotation.XmlRootElement;
import jakarta.xml.bind.annotation.XmlSchemaType;
import jakarta.xml.bind.annotation.XmlValue;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.TreeSet;
import java.util.concurrent.ConcurrentHashMap;
import javax.xml.datatype.XMLGregorianCalendar;
import servers.Json;

/**
 * A CAS in another style, whose WSDL CXF makes from these classes: the operations are in one namespace and all that they carry is in a
 * second one; result codes are numbers, and 0 is success; `resetPin` answers with an element that says nothing, `setPin` with an empty
 * body; the three kinds of messages are one operation; numbers of cards are attributes.
 */
@WebService(serviceName = "HarbourCas", portName = "HarbourPort", targetNamespace = Harbour.SERVICE)
public class Harbour {
  static final String SERVICE = "urn:example:harbour:service";
  static final String TYPES = "urn:example:harbour:types";

  private static final int DONE = 0;
  private static final int UNKNOWN_CARD = 404;

  private final List<String> received;
  private final Map<String, TreeSet<String>> products = new ConcurrentHashMap<>();
  private final Map<String, Pair> pairs = new ConcurrentHashMap<>();

  /** `received` takes every call as a JSON object. */
  public Harbour(List<String> received) {
    this.received = received;
  }

  public static class Card {
    @XmlAttribute(required = true) public String number;
    @XmlAttribute public String room;
  }

  public static class Product {
    @XmlValue public String code;
    @XmlAttribute public String room;
  }

  public static class Period {
    @XmlElement(required = true) @XmlSchemaType(name = "dateTime") public XMLGregorianCalendar from;
    @XmlElement(required = true) @XmlSchemaType(name = "dateTime") public XMLGregorianCalendar to;
  }

  /** Time, place and look of a fingerprint. */
  public static class Mark {
    @XmlAttribute(required = true) @XmlSchemaType(name = "dateTime") public XMLGregorianCalendar at;
    @XmlAttribute(required = true) public int x;
    @XmlAttribute(required = true) public int y;
    @XmlAttribute(required = true) public int height;
    @XmlAttribute(required = true) public int slot;
  }

  public enum Kind {
    MAIL,
    BARK,
    REPEATED
  }

  public static class Notice {
    @XmlElement(required = true) public Kind kind;
    @XmlElement(required = true) public Card card;
    @XmlElement(required = true) public String text;
    @XmlSchemaType(name = "dateTime") public XMLGregorianCalendar start;
    public Integer seconds;
    public Integer times;
    public Integer pause;
    public Long number;
  }

  @XmlRootElement
  public static class NewPin {
    @XmlElement(required = true) public Card card;
    @XmlElement(required = true) public String pin;
  }

  public static class Outcome {
    @XmlElement(required = true) public int code;
    public String explanation;
    public String ticket;
  }

  public static class Pair extends Outcome {
    @XmlElement(name = "card") public List<Card> cards = new ArrayList<>();
    @XmlElement(name = "box") public List<String> boxes = new ArrayList<>();
  }

  public static class Products extends Outcome {
    @XmlElement(name = "product") public List<String> products = new ArrayList<>();
  }

  @WebMethod(action = "urn:example:harbour:grant")
  @WebResult(name = "outcome", targetNamespace = TYPES)
  public Outcome grant(
      @WebParam(name = "card", targetNamespace = TYPES) Card card,
      @WebParam(name = "product", targetNamespace = TYPES) Product product,
      @WebParam(name = "period", targetNamespace = TYPES) Period period) {
    log("grant", "card", card, "product", product, "period", period);
    products.computeIfAbsent(card.number, (unused) -> new TreeSet<>()).add(product.code);
    return done(card);
  }

  @WebMethod(action = "urn:example:harbour:revoke")
  @WebResult(name = "outcome", targetNamespace = TYPES)
  public Outcome revoke(
      @WebParam(name = "card", targetNamespace = TYPES) Card card,
      @WebParam(name = "product", targetNamespace = TYPES) Product product) {
    log("revoke", "card", card, "product", product);
    products.computeIfAbsent(card.number, (unused) -> new TreeSet<>()).remove(product.code);
    return done(card);
  }

  @WebMethod(action = "urn:example:harbour:holdings")
  @WebResult(name = "holding", targetNamespace = TYPES)
  public Products holdings(@WebParam(name = "card", targetNamespace = TYPES) Card card) {
    log("holdings", "card", card);
    Products answer = said(new Products(), card);
    answer.products.addAll(products.getOrDefault(card.number, new TreeSet<>()));
    return answer;
  }

  @WebMethod(action = "urn:example:harbour:pair")
  @WebResult(name = "outcome", targetNamespace = TYPES)
  public Outcome pair(
      @WebParam(name = "card", targetNamespace = TYPES) List<Card> cards,
      @WebParam(name = "box", targetNamespace = TYPES) List<String> boxes) {
    log("pair", "cards", cards, "boxes", boxes);
    keep(new Pair(), cards, boxes);
    return done(cards.get(0));
  }

  @WebMethod(action = "urn:example:harbour:extend")
  @WebResult(name = "outcome", targetNamespace = TYPES)
  public Outcome extend(
      @WebParam(name = "paired", targetNamespace = TYPES) Card paired,
      @WebParam(name = "card", targetNamespace = TYPES) List<Card> cards,
      @WebParam(name = "box", targetNamespace = TYPES) List<String> boxes) {
    log("extend", "paired", paired, "cards", cards, "boxes", boxes);
    keep(pairs.getOrDefault(paired.number, new Pair()), cards, boxes);
    return done(paired);
  }

  @WebMethod(action = "urn:example:harbour:pairOfCard")
  @WebResult(name = "pairing", targetNamespace = TYPES)
  public Pair pairOfCard(@WebParam(name = "card", targetNamespace = TYPES) Card card) {
    log("pairOfCard", "card", card);
    return answerOf(pairs.getOrDefault(card.number, new Pair()), card);
  }

  @WebMethod(action = "urn:example:harbour:pairOfBox")
  @WebResult(name = "pairing", targetNamespace = TYPES)
  public Pair pairOfBox(@WebParam(name = "box", targetNamespace = TYPES) String box) {
    log("pairOfBox", "box", box);
    for (Pair pair : pairs.values()) if (pair.boxes.contains(box)) return answerOf(pair, null);
    return answerOf(new Pair(), null);
  }

  @WebMethod(action = "urn:example:harbour:show")
  @WebResult(name = "outcome", targetNamespace = TYPES)
  public Outcome show(@WebParam(name = "notice", targetNamespace = TYPES) Notice notice) {
    log("show", "notice", notice);
    return done(notice.card);
  }

  @WebMethod(action = "urn:example:harbour:mark")
  @WebResult(name = "outcome", targetNamespace = TYPES)
  public Outcome mark(
      @WebParam(name = "card", targetNamespace = TYPES) Card card,
      @WebParam(name = "seconds", targetNamespace = TYPES) int seconds,
      @WebParam(name = "mark", targetNamespace = TYPES) Mark mark) {
    log("mark", "card", card, "seconds", seconds, "mark", mark);
    return done(card);
  }

  @WebMethod(action = "urn:example:harbour:resetPin")
  public void resetPin(@WebParam(name = "card", targetNamespace = TYPES) Card card) {
    log("resetPin", "card", card);
  }

  @WebMethod(action = "urn:example:harbour:setPin")
  @SOAPBinding(parameterStyle = SOAPBinding.ParameterStyle.BARE)
  public void setPin(@WebParam(name = "newPin", targetNamespace = TYPES) NewPin newPin) {
    log("setPin", "newPin", newPin);
  }

  private void keep(Pair pair, List<Card> cards, List<String> boxes) {
    if (cards != null) pair.cards.addAll(cards);
    if (boxes != null) pair.boxes.addAll(boxes);
    for (Card card : pair.cards) pairs.put(card.number, pair);
  }

  private static Pair answerOf(Pair held, Card asked) {
    Pair answer = said(new Pair(), asked);
    answer.cards.addAll(held.cards);
    answer.boxes.addAll(held.boxes);
    return answer;
  }

  private static Outcome done(Card card) {
    return said(new Outcome(), card);
  }

  /** Cards whose number starts with 9 are unknown here. */
  private static <T extends Outcome> T said(T outcome, Card card) {
    boolean known = card == null || !card.number.startsWith("9");
    outcome.code = known ? DONE : UNKNOWN_CARD;
    outcome.explanation = known ? "done" : "no such card";
    outcome.ticket = known ? "T-" + (card == null ? "box" : card.number) : null;
    return outcome;
  }

  private void log(String operation, Object... namesAndValues) {
    Map<String, Object> entry = new LinkedHashMap<>();
    entry.put("operation", operation);
    for (int i = 0; i < namesAndValues.length; i += 2) entry.put((String) namesAndValues[i], namesAndValues[i + 1]);
    received.add(Json.of(entry));
  }
}
