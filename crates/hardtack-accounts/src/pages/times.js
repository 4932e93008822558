// Shows times in the time zone and the format of the browser. Without it, the page shows them in UTC.
const format = new Intl.DateTimeFormat(undefined, { dateStyle: "medium", timeStyle: "short" });
for (const time of document.querySelectorAll("time[datetime]")) {
  const clock = time.querySelector(".clock");
  const at = new Date(time.dateTime);
  if (clock && !Number.isNaN(at.getTime())) clock.textContent = format.format(at);
}
