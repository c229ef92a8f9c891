// Values that have not reached the server, kept in this browser under the person who typed them, so
// that nobody else's session can send them. Each is dropped when the server has answered.
export class Outbox {
  constructor(name) {
    this.name = `kerma-unsaved:${name}`;
    this.durable = true;
    this.values = this.read();
  }

  read() {
    try {
      return JSON.parse(localStorage.getItem(this.name) ?? "{}");
    } catch {
      return {};
    }
  }

  write() {
    try {
      if (Object.keys(this.values).length) localStorage.setItem(this.name, JSON.stringify(this.values));
      else localStorage.removeItem(this.name);
      this.durable = true;
    } catch {
      this.durable = false; // storage full or refused: the page warns before it is left
    }
  }

  keep(field, value) {
    this.values[field] = value;
    this.write();
  }

  drop(field) {
    delete this.values[field];
    this.write();
  }

  entries() {
    return Object.entries(this.values);
  }
}
