import com.rometools.rome.feed.synd.SyndEnclosure;
import com.rometools.rome.feed.synd.SyndEntry;
import com.rometools.rome.feed.synd.SyndFeed;
import com.rometools.rome.io.SyndFeedInput;
import java.io.StringReader;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;

/** Reads feeds with ROME, and prints one line for each enclosure: file, entry, address, length, type, text. */
class ReadWithRome {
  public static void main(String[] files) throws Exception {
    var out = new java.io.PrintStream(System.out, true, StandardCharsets.UTF_8);
    for (String file : files) {
      SyndFeed feed = new SyndFeedInput().build(new StringReader(Files.readString(Path.of(file))));
      for (SyndEntry entry : feed.getEntries()) {
        String text = entry.getDescription().getValue().replace('\n', ' ');
        for (SyndEnclosure one : entry.getEnclosures()) {
          out.println(String.join("\t", file, entry.getUri(), one.getUrl(),
              Long.toString(one.getLength()), one.getType(), text));
        }
      }
    }
  }
}
