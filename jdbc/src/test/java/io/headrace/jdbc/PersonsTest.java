package io.headrace.jdbc;

import com.zaxxer.hikari.HikariDataSource;
import java.sql.SQLException;
import java.util.List;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.params.ParameterizedClass;
import org.junit.jupiter.params.provider.MethodSource;

/** A table of persons in every database, and what is done to it. */
@ParameterizedClass
@MethodSource("io.headrace.jdbc.Database#present")
abstract class PersonsTest {
  record Person(String email, String name, Integer age) {}

  static final Person ANN = new Person("ann@x", "Ann", 30);
  static final Person BOB = new Person("bob@x", "Bob", 40);
  static final Person CID = new Person("cid@x", "Cid", 50);

  final Database database;
  final HikariDataSource pool;
  final WatchedDataSource dataSource;

  PersonsTest(Database database) {
    this.database = database;
    pool = database.pool(4);
    dataSource = new WatchedDataSource(pool, database.name().equals(Database.PORTABLE));
  }

  @BeforeEach
  void table() throws SQLException {
    database.execute(
        "DROP TABLE IF EXISTS person",
        "CREATE TABLE person (id "
            + database.generatedKey()
            + ", email VARCHAR(40) NOT NULL UNIQUE, name VARCHAR(10), age INT,"
            + " state VARCHAR(10) DEFAULT 'new', CHECK (age >= 0))");
  }

  @AfterEach
  void close() {
    pool.close();
  }

  WriteBatch<Person> insert() {
    return JdbcBatches.<Person>insert(dataSource, "person")
        .set("email", Person::email)
        .set("name", Person::name)
        .set("age", Person::age);
  }

  WriteBatch<Person> upsert() {
    return JdbcBatches.<Person>upsert(dataSource, "person")
        .key("email", Person::email)
        .set("name", Person::name)
        .set("age", Person::age);
  }

  WriteBatch<Person> update() {
    return JdbcBatches.<Person>update(dataSource, "person")
        .key("email", Person::email)
        .set("name", Person::name)
        .set("age", Person::age);
  }

  SelectBatch<String> select() {
    return JdbcBatches.<String>select(dataSource, "person").key("email", email -> email);
  }

  List<Object> emails() throws SQLException {
    return database.query("SELECT email FROM person ORDER BY email");
  }

  Object nameOf(Person person) throws SQLException {
    return database
        .query("SELECT name FROM person WHERE email = '" + person.email() + "'")
        .getFirst();
  }

  static Person person(int number) {
    return new Person("p" + number + "@x", "P" + number, number);
  }
}
