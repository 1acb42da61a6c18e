package millrace.clients;

import java.util.List;
import java.util.Map;
import java.util.Objects;
import software.amazon.awssdk.enhanced.dynamodb.mapper.annotations.DynamoDbBean;

/** A bean within a bean, which becomes a map. */
@DynamoDbBean
public class Place {
  private String room;
  private Map<String, List<Integer>> marks;

  public static Place of(String room, Map<String, List<Integer>> marks) {
    Place place = new Place();
    place.room = room;
    place.marks = marks;
    return place;
  }

  public String getRoom() {
    return room;
  }

  public void setRoom(String room) {
    this.room = room;
  }

  public Map<String, List<Integer>> getMarks() {
    return marks;
  }

  public void setMarks(Map<String, List<Integer>> marks) {
    this.marks = marks;
  }

  @Override
  public boolean equals(Object other) {
    return other instanceof Place place
        && Objects.equals(room, place.room)
        && Objects.equals(marks, place.marks);
  }

  @Override
  public int hashCode() {
    return Objects.hash(room, marks);
  }
}
