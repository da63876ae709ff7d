# Debian packages as files: fetched by apt with state of its own (the machine's sources and package database are neither
# read nor changed, its mirror and proxy settings are), unpacked without being installed. Needs paths.sh.
#
# The release is fixed, so that the images are the same whatever Debian the machine runs.
debian_release=bookworm
debian_keyring=/usr/share/keyrings/debian-archive-keyring.gpg

# debian_mirror: the address this machine fetches Debian from.
debian_mirror() {
  local found
  found=$(apt-get indextargets --format '$(REPO_URI) $(ORIGIN) $(COMPONENT) $(CODENAME)' 'Created-By: Packages' 2>/dev/null |
    awk '$2 == "Debian" && $3 == "main" && $4 !~ /-security/ { print $1; exit }')
  printf '%s\n' "${found:-http://deb.debian.org/debian/}"
}

debian_apt() {
  local state=$cache/apt
  apt-get -qq -y -o Dir::State="$state" -o Dir::State::status="$state/status" -o Dir::Cache="$state/cache" \
    -o Dir::Etc::sourcelist="$state/sources.list" -o Dir::Etc::sourceparts=/dev/null -o Dir::Etc::preferencesparts=/dev/null \
    -o APT::Install-Recommends=false -o APT::Sandbox::User=root -o Acquire::Retries=3 "$@"
}

# debian_index KINDS...: reads the release's index of binary (deb) or source (deb-src) packages, once.
debian_index() {
  local kind mirror wanted
  mirror=$(debian_mirror)
  wanted=$(for kind; do
    printf '%s [signed-by=%s] %s %s main\n' "$kind" "$debian_keyring" "$mirror" "$debian_release"
  done)
  mkdir -p "$cache"/apt/{lists/partial,cache}
  : > "$cache/apt/status"
  if [ "$wanted" != "$(cat "$cache/apt/sources.list" 2>/dev/null)" ] || [ ! -e "$cache/apt/.read" ]; then
    rm -f "$cache/apt/.read"
    printf '%s\n' "$wanted" > "$cache/apt/sources.list"
    # of its own accord it takes an index that could not be read for a warning
    debian_apt -o APT::Update::Error-Mode=any update >&2 || { say "reading the index of Debian $debian_release from $mirror failed"; return 1; }
    touch "$cache/apt/.read"
  fi
}

# debian_archives FOLDER PACKAGE...: fetches the packages and all they depend on. An index that is too old names packages that are gone: it is read
# anew after a failure.
debian_archives() {
  local into=$1
  shift
  debian_index deb && debian_apt -o Dir::Cache::archives="$into" install --download-only "$@" || { rm -f "$cache/apt/.read"; return 1; }
}

# debian_tree OUT PACKAGE...: unpacks the packages and all they depend on into the folder OUT.
debian_tree() {
  local out=$1 archive
  shift
  rm -rf "$out.archives"
  mkdir -p "$out.archives/partial" "$out"
  fetched debian_archives "$out.archives" "$@" >&2 ||
    { say "fetching $* and what they depend on failed"; return 1; }
  for archive in "$out.archives"/*.deb; do
    dpkg-deb -x "$archive" "$out" || { say "unpacking $archive into $out failed"; return 1; }
  done
  rm -rf "$out.archives"
}

# debian_source OUT PACKAGE: unpacks a source package, patches applied, into the folder OUT.
debian_source() {
  local out=$1
  fetched debian_source_files "$out.fetch" "$2" >&2 || { say "fetching the source of $2 failed"; return 1; }
  rm -rf "$out"
  mv "$out.fetch"/*/ "$out"
  rm -rf "$out.fetch"
}

debian_source_files() {
  rm -rf "$1"
  mkdir -p "$1"
  debian_index deb deb-src && (cd "$1" && debian_apt source "$2") || { rm -f "$cache/apt/.read"; return 1; }
}
