(() => {
  const place = new URL(location.href);
  if (!place.searchParams.has("theme")) {
    place.searchParams.set("theme", "system");
    history.replaceState(null, "", place);
  }
  const spoken = (event) => {
    const thumb = event.composedPath()[0];
    if (!(thumb instanceof Element) || thumb.getAttribute("role") !== "slider") return;
    requestAnimationFrame(() => {
      const shown = thumb.closest(".flex.items-center.gap-2")?.querySelector(":scope > div");
      if (shown) thumb.setAttribute("aria-valuetext", shown.textContent.trim());
    });
  };
  for (const kind of ["focusin", "keyup", "pointerup"]) document.addEventListener(kind, spoken, true);
})();
