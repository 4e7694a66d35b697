"""A person at the Django admin, over HTTP: logs in, opens the list and a record, picks an action."""

from html.parser import HTMLParser

import httpx

LIST = "/admin/redrive/taskfailurerecord/"


class Page(HTMLParser):
    """The parts of a page that a person would act on."""

    def __init__(self, html: str) -> None:
        super().__init__()
        self.text = ""
        self.links: list[str] = []
        self.hidden: dict[str, str] = {}
        self.actions: dict[str, str] = {}
        self._option: str | None = None
        self.feed(html)
        self.text = " ".join(self.text.split())

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        attributes = {name: value or "" for name, value in attrs}
        if tag == "a":
            self.links.append(attributes.get("href", ""))
        elif tag == "input" and attributes.get("type") == "hidden":
            self.hidden[attributes.get("name", "")] = attributes.get("value", "")
        elif tag == "option":
            self._option = attributes.get("value", "")

    def handle_endtag(self, tag: str) -> None:
        if tag == "option":
            self._option = None

    def handle_data(self, data: str) -> None:
        self.text += data
        if self._option:
            self.actions[self._option] = self.actions.get(self._option, "") + data.strip()


class Staff:
    """Someone with a login at a running web server."""

    def __init__(self, address: str, login: dict[str, str]) -> None:
        self._client = httpx.Client(base_url=address, timeout=20, headers={"Referer": address})
        self._post("/admin/login/?next=/admin/", self.open("/admin/login/"), login)

    def close(self) -> None:
        self._client.close()

    def open(self, path: str) -> Page:
        """The page at `path`. Any answer but 200 is an error."""
        answer = self._client.get(path)
        assert answer.status_code == 200, f"{path}: {answer.status_code} {answer.text[:2000]}"
        return Page(answer.text)

    def open_record(self, task_id: str) -> Page:
        """The page of the one record that the list finds for a task id."""
        found = self.open(f"{LIST}?q={task_id}")
        records = {link for link in found.links if link.startswith(LIST) and "/change/" in link}
        assert len(records) == 1, f"{records} for {task_id}: {found.text[:2000]}"
        return self.open(records.pop())

    def retry(self, record: int) -> None:
        """Tick a record in the list, choose the action whose name begins with "Retry", and confirm if asked."""
        page = self.open(LIST)
        names = [name for name, label in page.actions.items() if label.lower().startswith("retry")]
        assert names, page.actions
        choice = {"action": names[0], "_selected_action": str(record), "index": "0"}
        answer = Page(self._post(LIST, page, choice))
        if "_selected_action" in answer.hidden:
            self._post(LIST, answer, answer.hidden | choice)

    def _post(self, path: str, page: Page, fields: dict[str, str]) -> str:
        token = page.hidden["csrfmiddlewaretoken"]
        answer = self._client.post(path, data={"csrfmiddlewaretoken": token, **fields}, follow_redirects=True)
        assert answer.status_code == 200, f"{path}: {answer.status_code} {answer.text[:2000]}"
        return answer.text
