"use strict";
(() => {
  const form = document.querySelector(".controls");
  const items = [...document.querySelectorAll("[data-item]")].map((element) => ({
    element, calls: element.dataset.calls.split("|"), areas: element.dataset.areas.split(" "), text: "",
  }));
  const troubles = ["fail", "untestable", "error"];
  const names = ["q", "level", "area", "call", "failed"].filter((name) => form?.elements[name]);
  let pinned = null;

  // The address: #check-id:call?filter=value, each part optional. A page on disk may not change more than its hash.
  const address = () => {
    const [target, query = ""] = location.hash.slice(1).split(/\?(.*)/s);
    return { target: decode(target), query: location.hash.includes("?") ? new URLSearchParams(query) : null };
  };
  const decode = (text) => { try { return decodeURIComponent(text); } catch { return text; } };

  const wanted = () => Object.fromEntries(names.map((name) => {
    const field = form.elements[name];
    return [name, field.type === "checkbox" ? (field.checked ? "1" : "") : field.value.trim()];
  }));

  const fits = (item, want, words) => {
    const data = item.element.dataset;
    return (!want.failed || troubles.includes(data.outcome))
      && (!want.level || data.levels.split(" ").includes(want.level))
      && (!want.area || item.areas.includes(want.area))
      && (!want.call || item.calls.includes(want.call))
      && words.every((word) => (item.text ||= item.element.textContent.toLowerCase()).includes(word));
  };

  const filter = () => {
    const want = wanted();
    const words = want.q.toLowerCase().split(/\s+/).filter(Boolean);
    const filtered = Boolean(words.length || want.level || want.area || want.call || want.failed);
    let shown = 0;
    for (const item of items) {
      const fit = fits(item, want, words);
      shown += fit;
      item.element.hidden = !fit && item.element !== pinned;
    }
    const visible = (element) => element.querySelector("[data-item]:not([hidden])");
    for (const group of document.querySelectorAll("[data-group]")) group.hidden = !visible(group);
    for (const section of document.querySelectorAll("[data-section]")) {
      const some = visible(section);
      section.querySelector(".empty").hidden = Boolean(some) || !filtered;
      const list = section.querySelector(".list");
      if (!list) continue;
      list.hidden = !some;
      if (filtered && some && !list.open) { list.open = true; list.dataset.opened = ""; }
      if (!filtered && "opened" in list.dataset) { list.open = false; delete list.dataset.opened; }
    }
    form.querySelector("output").textContent = filtered ? `${shown} of ${items.length} entries match` : "";
    return want;
  };

  const remember = (want, target) => {
    const query = new URLSearchParams(Object.entries(want).filter(([, value]) => value)).toString();
    const hash = `#${target}${query ? `?${query}` : ""}`;
    if (hash !== location.hash) history.replaceState(null, "", hash);
  };

  const find = (target) => {
    const [id, call] = target.split(/:(.*)/s);
    const all = [...document.querySelectorAll("[data-check]")].filter((element) => element.dataset.check === id);
    const on = (element) => (element.closest("[data-item]")?.dataset.calls ?? "").split("|").includes(call);
    const element = (call && all.find(on)) || all[0] || document.getElementById(target);
    return { element, call };
  };

  const reveal = (target) => {
    for (const element of document.querySelectorAll(".linked")) element.classList.remove("linked");
    pinned = null;
    if (!target) return;
    const { element, call } = find(target);
    if (!element) return;
    pinned = element.closest("[data-item]");
    filter();
    for (let fold = element; fold; fold = fold.parentElement) if (fold.tagName === "DETAILS") fold.open = true;
    const own = element.matches("[data-check]") ? element : null;
    if (own && own.tagName !== "DETAILS" && own.firstElementChild.tagName === "DETAILS") own.firstElementChild.open = true;
    if (own) own.classList.add("linked");
    if (call) for (const place of element.querySelectorAll("[data-call]")) place.classList.toggle("linked", place.dataset.call === call);
    element.scrollIntoView({ block: "start" });
    if (own) (own.querySelector("summary, a") ?? own).focus({ preventScroll: true });
  };

  const follow = () => {
    const { target, query } = address();
    if (query) {
      for (const name of names) {
        const field = form.elements[name];
        if (field.type === "checkbox") field.checked = query.get(name) === "1";
        else field.value = query.get(name) ?? "";
        if (field.value === "" && field.tagName === "SELECT") field.selectedIndex = 0;
      }
    }
    pinned = null;
    const want = filter();
    reveal(target);
    if (!query && target) remember(want, location.hash.slice(1).split("?")[0]);
    if (query && !target) (items.find((item) => !item.element.hidden)?.element.closest("section") ?? form).scrollIntoView();
  };

  const copy = async (button) => {
    const line = button.closest("details").querySelector("code");
    try {
      await navigator.clipboard.writeText(line.textContent);
    } catch {
      getSelection().selectAllChildren(line);
      document.execCommand("copy");
    }
    button.textContent = "Copied";
  };

  if (form) {
    form.hidden = false;
    form.addEventListener("input", () => { pinned = null; remember(filter(), ""); });
    form.addEventListener("submit", (event) => event.preventDefault());
    form.addEventListener("reset", () => setTimeout(() => { pinned = null; remember(filter(), ""); }));
    addEventListener("hashchange", follow);
    follow();
    // The browser goes to what the address names only now, and takes the focus away.
    addEventListener("load", () => setTimeout(() => reveal(address().target)));
  }
  // A table whose columns sort its rows: numbers of data-sort, else texts; the second time the other way round.
  const sortBy = (table, head, column) => {
    const down = head.getAttribute("aria-sort") === "ascending";
    for (const other of head.parentElement.children) other.removeAttribute("aria-sort");
    head.setAttribute("aria-sort", down ? "descending" : "ascending");
    const value = (row) => row.children[column].dataset.sort ?? row.children[column].textContent.trim();
    const compare = (a, b) => value(a).localeCompare(value(b), "en", { numeric: true });
    const number = (row) => Number(row.children[column].dataset.sort);
    const rows = [...table.tBodies[0].rows];
    rows.sort((a, b) => (down ? -1 : 1) * (number(a) - number(b) || compare(a, b)));
    table.tBodies[0].append(...rows);
  };
  for (const table of document.querySelectorAll("table[data-sortable]")) {
    [...table.tHead.rows[0].cells].forEach((head, column) => {
      const button = document.createElement("button");
      button.type = "button";
      button.className = "sort";
      button.textContent = "\u21c5";
      button.setAttribute("aria-label", `Sort by ${head.textContent}`);
      button.addEventListener("click", () => sortBy(table, head, column));
      head.append(" ", button);
    });
  }
  for (const button of document.querySelectorAll(".copy")) {
    button.hidden = false;
    button.addEventListener("click", () => copy(button));
  }
  const act = {
    open(button) {
      const folds = [...document.querySelectorAll(".finding, [data-fold]")].filter((fold) => !fold.hidden);
      const all = folds.every((fold) => fold.open);
      for (const fold of folds) fold.open = !all;
      button.textContent = all ? "Open all" : "Close all";
    },
    theme(button) {
      const dark = button.getAttribute("aria-pressed") !== "true";
      document.documentElement.dataset.theme = dark ? "dark" : "light";
      button.setAttribute("aria-pressed", String(dark));
    },
  };
  for (const button of document.querySelectorAll("[data-do]")) {
    button.hidden = false;
    if (button.dataset.do === "theme") button.setAttribute("aria-pressed", String(matchMedia("(prefers-color-scheme: dark)").matches));
    button.addEventListener("click", () => act[button.dataset.do](button));
  }
  addEventListener("beforeprint", () => {
    for (const fold of document.querySelectorAll(".cause details, .finding, .finding .fold, [data-fold]")) {
      if (!fold.open) { fold.open = true; fold.dataset.printed = ""; }
    }
  });
  addEventListener("afterprint", () => {
    for (const fold of document.querySelectorAll("[data-printed]")) { fold.open = false; delete fold.dataset.printed; }
  });
})();
