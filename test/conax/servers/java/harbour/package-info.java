@XmlSchema(namespace = Harbour.TYPES, elementFormDefault = XmlNsForm.QUALIFIED)
package harbour;

import jakarta.xml.bind.annotation.XmlNsForm;
import jakarta.xml.bind.annotation.XmlSchema;
