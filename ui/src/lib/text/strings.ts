// Every word the app says by itself, in one place, so that it can be translated. What comes from the daemon is in its words.

import type { KeptWhy } from "../api/client";
import { bytes, count, when } from "./format";
import { isolated } from "./safe";

interface Rates {
  upload?: string | null;
  upload_each?: string | null;
  download?: string | null;
  download_each?: string | null;
}

/** By the names that the node has for them. */
const DAYS: Readonly<Record<string, string>> = {
  mon: "Mon",
  tue: "Tue",
  wed: "Wed",
  thu: "Thu",
  fri: "Fri",
  sat: "Sat",
  sun: "Sun",
};

/** Why one stays as it is here, and why several do. */
const stay = (one: string, several: string) => (number: number) =>
  number === 1 ? one : `${count(number)} ${several}`;

const files = (number: number) => (number === 1 ? "1 file" : `${count(number)} files`);

export const t = {
  common: {
    app: "kith",
    close: "Close",
    dismiss: "Dismiss",
    cancel: "Cancel",
    save: "Save",
    copy: "Copy",
    copied: "Copied",
    share: "Share…",
    more: (name: string) => `More for ${isolated(name)}`,
    retry: "Try again",
    loading: "Loading…",
    remove: "Remove",
    loseBegun: "Close this, and lose what you began?",
    lose: "Lose it",
    goOn: "Go on with it",
    you: "You",
    files,
    filesAndBytes: (number: number, size: number) => `${files(number)} · ${bytes(size)}`,
    partTitle: "This page did not come",
    partText: "Kith does not answer just now, or is newer than this page. Load it again, when kith runs.",
    reload: "Load again",
    missingTitle: "There is nothing here",
    missingText: "The address names no page of this app.",
    home: "To the albums",
    noCode: "This is too long for a QR code. Copy it, and send it as text.",
    hidden: "This name contains hidden characters. They are shown as ␣ and a number.",
  },
  nav: {
    label: "Pages",
    albums: "Albums",
    files: "Files",
    people: "People",
    network: "Network",
    settings: "Settings",
    skip: "To the page",
  },
  connection: {
    lost: "Lost the node on this computer; trying again…",
    stopped:
      "The node on this computer does not run. Start kith again (“kith up” in a terminal); this page goes on by itself then. Where it runs already, it is at another address: “kith web --open” leads there.",
    newer: "Kith on this computer is another version by now; this page is of the one before.",
    fails: (words: string) => `The node on this computer cannot tell all there is; trying again… (${words})`,
    locked:
      "This browser is not let in any more. If you want it to be, type “kith web --open” in a terminal on this computer.",
  },
  welcome: {
    title: "Welcome to kith",
    text: "Pictures and files among people you know. No server, no account: your things stay on your computer, and go straight to those you let in.",
    steps: ["Your name", "Meet someone", "Done"],
    nameTitle: "What do your people call you?",
    nameText: "It is only a suggestion: everybody chooses their own name for you.",
    name: "Your name",
    next: "Next",
    later: "Skip for now",
    meetTitle: "Meet someone",
    meetText: "One of you makes an invite, the other adds it. Send it by any messenger, or show the code.",
    ready: "You are set up",
    readyText:
      "From now on you find each other by yourselves: on one network always, and wherever you are, once one of you can be reached from outside or both use an introducer (Settings).",
    readyAlone:
      "You have met nobody yet. Whenever you like, invite someone under People; what you share until then waits for them.",
    toAlbums: "Make an album",
    toPeople: "To your people",
  },
  invite: {
    mine: "Your invite",
    theirs: "Add someone",
    title: "Invite someone",
    text: "Whoever adds this becomes your contact. It works once, and for at least a week.",
    textReusable: "Any number of people may use it for at least a week. Each waits until you confirm them.",
    label: "Invite as text",
    code: "Your invite as a QR code",
    reusable: "For more than one person",
    noWay:
      "This invite works only while both of you are on one network: there is no introducer, and this computer knows no address of its own that others could reach. Add an introducer under Settings to be found from elsewhere.",
    making: "Making an invite…",
    used: (name: string) => `${isolated(name)} used your invite`,
    over: "This invite was used, or is over",
    another: "Make another one",
    open: "Other open invites",
    forOne: "For one person",
    forMany: "For anybody who has it",
    openWhen: (made: string, ends: string) => `made ${made}, ends ${ends}`,
    usedBy: (names: string) => `Used by ${names}`,
    end: "End it",
  },
  add: {
    title: "Add someone",
    text: "Paste their invite, drop a picture of its code here, or scan it.",
    field: "Invite",
    placeholder: "kith:invite1…",
    name: "What you call them",
    nameHint: "Leave it empty to use the name they gave themselves.",
    added: (name: string) => `${isolated(name)} is now in your address book`,
  },
  handed: {
    camera: "Scan with camera",
    image: "From a picture",
    drop: "Drop it here",
    stop: "Stop the camera",
    view: "Camera picture",
    noCode: "No code was found in this picture. Try one that is sharper, or crop it to the code.",
    noCamera: "The camera cannot be used. Allow it for this page, or paste the text.",
    noPicture: "This file is not a picture that the browser can read.",
    unknown:
      "This is neither an invite nor a link. An invite begins with kith:invite1, and a link with kith:link1.",
    isIntroducer: "This is an introducer: neither an invite nor a link. Add it under Settings.",
    isPeer: "This is somebody’s PeerId. It says who they are, not where: ask them for an invite.",
    isOwn: "You made this invite yourself. Send it to somebody else.",
    isOver: "The time of this invite is over. Ask for a new one.",
    isKnown: (name: string) =>
      `An invite from ${isolated(name)}, who is in your address book. Made since, it lets you meet again, if one of you has removed or blocked the other.`,
    invite: "An invite.",
    inviteFrom: (name: string) => `An invite from somebody who calls themselves “${isolated(name)}”.`,
    link: "A link to something that is shared.",
    linkTo: (name: string, owner: string) =>
      owner === ""
        ? `A link to “${isolated(name)}”.`
        : `A link to “${isolated(name)}”, from ${isolated(owner)}.`,
    yours: "you",
    add: "Add them",
    open: "Open it",
  },
  people: {
    title: "People",
    text: "Everybody you let in, by the names you chose.",
    emptyTitle: "Nobody yet",
    emptyText: "Invite someone, or add an invite that you were sent.",
    search: "Search by name or tag",
    nobody: "Nobody goes by that.",
    away: "Away",
    lastHere: (day: string) => `last here ${day}`,
    blocked: "Blocked",
    pending: "Waits for you",
    paths: { direct: "Direct", relay: "Over a relay", none: "Away" },
    pathTexts: {
      direct: "Your two devices talk to each other directly.",
      relay:
        "A relay passes on what you say to each other. It is sealed: the relay sees that you talk, and nothing of what.",
      none: "There is no connection now.",
    },
    sources: {
      invite: "by the invite",
      session: "because they came to us",
      introducer: "by an introducer",
      lan: "on the local network",
    } as Record<string, string>,
    foundBy: "Found",
    path: "Path",
    roundTrip: "Round trip",
    peerId: "PeerId",
    note: "Note",
    noteHint: "Nobody but you sees it.",
    limits: "How fast",
    limitsText:
      "How fast content may move to and from each of their devices, near or far, at all hours. As “2 MiB/s”, “16 Mbit/s” or “none”.",
    limitsNone: "As for everybody",
    takes: {
      stranger: "They do not have you as a contact (any more).",
      guest: "They have not confirmed you yet.",
    },
    notMutual: "They have not answered yet. That happens as soon as both of you are there.",
    pendingTitle: "Waiting to be let in",
    pendingText: (name: string) =>
      `${isolated(name)} came by an invite that several people could use, or was blocked by you. Compare the safety words, then decide. After a block one of you needs a new invite from the other first.`,
    confirm: "Let in",
    rename: "Rename",
    newName: "New name",
    lacksName: "Give them a name.",
    block: "Block",
    unblock: "Unblock",
    remove: "Remove",
    verify: "Compare safety words",
    blockTitle: (name: string) => `Block ${isolated(name)}?`,
    blockText:
      "They get nothing from you any more, and are not told why. A link that they have still opens what it opens, until you take that back. What they fetched they keep. Should you unblock them, one of you needs a new invite.",
    removeTitle: (name: string) => `Remove ${isolated(name)}?`,
    removeText: "You forget them. To meet again, one of you needs a new invite.",
    done: {
      blocked: (name: string) => `${isolated(name)} is blocked`,
      unblocked: (name: string) =>
        `${isolated(name)} is not blocked any more. To meet again, one of you needs a new invite.`,
      removed: (name: string) => `${isolated(name)} is removed`,
      confirmed: (name: string) => `${isolated(name)} is let in`,
    },
    addTag: "Add a tag",
    removeTag: (tag: string) => `Remove the tag ${tag}`,
    theirs: (name: string) => `What ${isolated(name)} shares with you`,
    theirsNone: "Nothing now.",
    theirsWrong: (name: string) => `What ${isolated(name)} shares cannot be seen now`,
    theirsUnasked: "Nothing is asked for while they are blocked.",
    unconfirmed: "Nothing before you let them in.",
    mineBlocked: "Nothing while they are blocked.",
    theirsBlocked: "You have blocked them: nothing of theirs is asked for, and they get nothing of yours.",
    theirsAway: "They are away. What they shared shows when they are back.",
    theirsAsOf: (told: number | null, now: number) =>
      told === null ? "They are away." : `They are away. This is as of ${when(told, now)}.`,
    mine: (name: string) => `What you share with ${isolated(name)}`,
    mineNone: "Nothing yet. Make an album for them, or one for all your contacts.",
    fetched: "Fetched from you",
    fetchedNone: "Nothing yet.",
    whole: "all of it",
    trace: "How they are reached",
    traceRun: "Reach them now",
    steps: {
      contact: "In the address book",
      found: "A place where they may be is known",
      session: "They answered, and are who they should be",
      pong: "A ping came back",
    } as Record<string, string>,
  },
  words: {
    title: (name: string) => `Are you really talking to ${isolated(name)}?`,
    text: (name: string) =>
      `Call ${isolated(name)}, or meet. If both of you see the same words, nobody stands between you.`,
    always: "Words that stay",
    now: "Words of this moment",
    liveText: "Both of you have to look at this at the same time. Four words, made for this one time.",
    liveStart: "Compare now",
    liveWaiting: "Waiting until they look, too…",
    same: "They are the same",
    different: "They differ",
    differentTitle: "The words differ",
    differentText: (name: string) =>
      `If both of you read them right, then somebody else may stand between you and ${isolated(name)}: who has this contact’s key is not who you are talking to. What you share with them may reach somebody else.`,
    differentNow: (name: string) =>
      `${isolated(name)} counts as not verified from now on. Compare once more if one of you may have misread. Else let them have nothing: block them, or remove them and meet again by a new invite, best in person.`,
    differentAgain: "Compare once more",
    differentNotice: (name: string) =>
      `You compared words with ${isolated(name)}, and they differed. Somebody else may stand between you.`,
    verified: (name: string) => `You have compared words with ${isolated(name)}`,
    tag: "verified",
    tagDiffer: "unverified",
    tagRefused: "That is said of who compared safety words alone.",
  },
  albums: {
    title: "Albums",
    text: "Pictures you share, and those that are shared with you.",
    make: "New album",
    drop: "Drop them to make an album",
    theirs: "From your people",
    mine: "Yours",
    emptyTitle: "No albums yet",
    emptyText: "Drop pictures or a folder anywhere on this page, or make an album of a folder on your disk.",
    elsewhere: (number: number) =>
      number === 1
        ? "One share holds other files than pictures. It is under"
        : `${count(number)} shares hold other files than pictures. They are under`,
    unplaced: (number: number) =>
      number === 1
        ? "One more share is being looked into…"
        : `${count(number)} more shares are being looked into…`,
  },
  album: {
    pictures: "Pictures",
    from: (name: string) => `From ${isolated(name)}`,
    add: "Add files",
    addFolder: "Add a folder",
    drop: "Drop them to add them",
    link: "Link",
    choose: "Choose",
    chooseAll: "All",
    chooseText: "Hold Shift to choose all in between.",
    download: "Download",
    downloadAll: "Download all",
    downloadChosen: (number: number) => (number === 0 ? "Download" : `Download ${count(number)}`),
    removeChosen: (number: number) => (number === 0 ? "Remove" : `Remove ${count(number)}`),
    removeTitle: (number: number) =>
      number === 1 ? "Remove it from the album?" : `Remove ${count(number)} of them from the album?`,
    removeText:
      "What is removed is deleted, also from this computer’s copy of the album. What others fetched they keep.",
    removed: (done: number, all: number) => `${count(done)} of ${count(all)} removed`,
    asFiles: "Show as files",
    others: "Also in here",
    fetched: "Who fetched it",
    fetchedNone: "Nobody yet.",
    absent: (path: string) => `Its folder is not there: ${path}`,
    silent: (path: string) => `The disk of its folder does not answer: ${path}`,
    absentText: (absence: string) =>
      `${absence}. Put it back, or plug its disk in: then it goes on by itself. Until then nobody gets it from you. Or stop sharing it.`,
    absentTheirs: (owner: string | null) =>
      `Its files are not where ${owner === null ? "their owner" : isolated(owner)} shares them from: the folder was moved, or its disk is not plugged in. Tell them, or wait: it goes on by itself when it is back. What is here of it is shown.`,
    leftOut: "What is not in it",
    leftOutText: (number: string) =>
      `${number} in all lie there and are not shared. They are looked at again whenever something changes.`,
    strangers: "People with the link",
    wrong: "It cannot be shown now",
    emptyTitle: "Nothing in here yet",
    emptyMine:
      "Drop pictures on this page, or add them by a button. Whoever may see the album sees them at once.",
    emptyMineFiles: "Add something to it. Whoever may see it sees it at once.",
    emptyAdd: "Add pictures or files",
    emptyDisk: (folder: string) =>
      `Put something into ${folder} on the computer where kith runs. Whoever may see it sees it at once.`,
    onDisk: (folder: string) => `what lies in ${folder}`,
    emptyTheirs: "As soon as something is added, it shows here.",
    goneTitle: "This album is not here",
    goneText: "It is not shared with you any more, or never was.",
    awaySince: (told: number | null, now: number) =>
      told === null ? "Away" : `Away · as of ${when(told, now)}`,
    away: (name: string, told: number | null, now: number) =>
      told === null
        ? `${isolated(name)} is away. What is here of it is shown; the rest comes when they are back.`
        : `${isolated(name)} is away. It is shown as of ${when(told, now)}, as far as it is here; the rest comes when they are back.`,
    notSeenTitle: "This was not looked at before",
    notSeen: (name: string) =>
      `${isolated(name)} is away, and nothing of it is here. It shows when they are back.`,
    smallOnly: "Only the small picture is here. The whole one comes when its owner is back.",
    brokenAway: "This is not here, and its owner is away. It shows when they are back.",
    ownerAway: (name: string) => `${isolated(name)} is away. It shows when they are back.`,
    lightbox: "Picture",
    position: (at: number, all: number) => `${count(at)} of ${count(all)}`,
    previous: "Previous",
    next: "Next",
    larger: "Larger",
    smaller: "Smaller",
    gone: "This picture is not in the album any more.",
    broken:
      "This picture cannot be shown: it is broken, in a format your browser does not know, or nobody who has it is there now.",
    refused:
      "There is no small picture of this one: it is broken, too large to be looked at safely, or nobody who has it is there now. Download it to open it with another program.",
    showAnyway: "Show it all the same",
    brokenFormat: (format: string) =>
      `This browser does not show ${format} pictures, or this one is broken or not there now. Download it and open it with a program that knows them.`,
    noSmall: (format: string) =>
      `There are no small pictures of ${format} files. Open it to see it, or download it.`,
    brokenVideo:
      "This film cannot be played here: your browser does not know its format, or nobody who has it is there now. Download it to play it elsewhere.",
  },
  stop: {
    own: {
      do: "Stop sharing",
      title: (name: string) => `Stop sharing ${isolated(name)}?`,
      text: "Nobody gets it from you any more. Your files stay where they are, and so do copies that others fetched.",
      album: (path: string) =>
        `Kith’s own copies of what you dropped here are in ${isolated(path)}. Share that folder to have the album again.`,
      copies: "Delete these copies, too",
      copiesText: "What you have nowhere else is gone then.",
      done: "It is not shared any more",
    },
    copy: {
      do: "Stop passing it on",
      title: (name: string) => `Stop passing on ${isolated(name)}?`,
      text: "Others get it from its owner then, and not from you. What you fetched stays where it is.",
      done: "It is not passed on any more",
    },
  },
  newAlbum: {
    title: "New album",
    titleAny: "Share something",
    where: "Where the pictures are",
    whereAny: "Where it is",
    here: "Drop or choose",
    disk: "A folder on this disk",
    drop: "Drop pictures or a folder here",
    dropAny: "Drop files or a folder here",
    choose: "Choose pictures",
    chooseAny: "Choose files",
    chooseFolder: "Choose a folder",
    hereText: "Kith keeps a copy of them, to hand out. Add more whenever you like.",
    path: "Path of the folder",
    pathHint:
      "On the computer where kith runs. Files stay where they are; what you change there changes for others, too.",
    name: "Name",
    nameHint: "Leave it empty to use the folder’s own name.",
    make: "Share",
    lacksName: "Give it a name.",
    nameSlash: "An album’s name has neither / nor \\. Write 12-24 in place of 12/24.",
    nameDot: "An album’s name does not end with a dot.",
    nameDrive: "An album’s name does not begin as a drive does, such as C:.",
    nameDevice: "Windows could keep no album of this name. Add a word to it.",
    nameLong: "This is too long for an album’s name.",
    lacksOtherName: "Give it another name.",
    lacksFolder: "Pick a folder.",
    lacksEnd: "Finish the path, or press Enter.",
    lacksLook: "One moment: whether pictures say where they were taken is looked up first.",
  },
  dropped: {
    cut: (most: number) =>
      `There are more files than can be meant: only the first ${count(most)} are taken. A large folder is better shared where it lies, as a folder on this disk.`,
    unread: (number: number, first: string) =>
      number === 1
        ? `One file or folder could not be read and is left out: ${isolated(first)}`
        : `${count(number)} files or folders could not be read and are left out, among them ${isolated(first)}`,
  },
  looking: {
    label: "Files are being looked at",
    reading: (number: number) => `Looking through it: ${files(number)} so far…`,
    wait: "One moment: what you dropped is still looked through.",
    left: "Nothing was added: the files were still looked at when you left the album",
  },
  places: {
    lookingAt: (number: number, all: number | null) =>
      `Looking whether they say where they were taken: ${all === null ? count(number) : `${count(number)} of ${count(all)}`}…`,
    looking: "Looking whether they say where they were taken…",
    found: (place: number, pictures: number) =>
      pictures === 0
        ? "Nothing in here is of a kind that is looked through for where it was taken."
        : place === 0
          ? "No picture was found to say where it was taken."
          : place === 1
            ? pictures === 1
              ? "The one picture or film in here says where it was taken:"
              : `1 of ${count(pictures)} pictures and films says where it was taken:`
            : `${count(place)} of ${count(pictures)} pictures and films say where they were taken:`,
    wrong: (words: string) => `What they say of where they were taken is not known. ${words}`,
    cut: (place: number) =>
      `There are more files than are looked through here. Of the first, ${place === 0 ? "none says" : place === 1 ? "one says" : `${count(place)} say`} where it was taken; others may.`,
    leaveOut: "Leave out place, time and camera",
    leaveOutText:
      "Also of pictures and films that are added later. Pixels, colours and sound stay the very same, and so do your own files. Subtitles go. What some dashboard cameras write onto the pictures of a film stays.",
    unknown: (number: number) =>
      `${files(number)} of other kinds, such as documents: what they say of a place is not known.`,
    unknownLeftOut: (number: number) =>
      `${files(number)} of other kinds, such as documents, ${number === 1 ? "is" : "are"} not shared: nothing can be left out of them for sure.`,
    add: "Add them",
    bare: "without what pictures say",
    leftOut: (number: number) => `${files(number)} not in it`,
  },
  audience: {
    label: "Who may see it",
    who: "These people",
    change: "Who may see it",
    changeText:
      "Who is left out gets nothing from you any more, and others who have it are told. What they fetched they keep.",
    newLink: "It gets a new link. Links of before open nothing any more.",
    changed: "From now on it is for those you chose",
    lacksPeople: "Choose who may see it.",
    nobody: "You have no contacts yet. Invite someone under People.",
    nobodyYet: "Nobody is let in yet. Let in who waits for it under People.",
    options: {
      contacts: { label: "All my contacts", text: "Everybody you let in, now and later" },
      named: { label: "People I name", text: "Nobody else learns that it exists" },
      link: { label: "Whoever has the link", text: "Also people you do not know" },
      public: { label: "Everyone", text: "Anybody who can reach this node" },
    },
    told: (audience: string, named: string[]) =>
      audience === "named"
        ? named.length === 0
          ? "for nobody"
          : `for ${new Intl.ListFormat(undefined, { type: "conjunction" }).format(named.map(isolated))}`
        : ({ contacts: "for all your contacts", link: "for whoever has the link", public: "for everyone" }[
            audience
          ] ?? audience),
  },
  link: {
    title: "Link",
    label: "Link as text",
    code: "The link as a QR code",
    texts: {
      contacts: "It leads your contacts to it. For others it is of no use.",
      named: "It leads those you named to it. For others it is of no use.",
      link: "Whoever holds it may see and fetch this. Hand it to those you mean.",
      public: "Everyone may see and fetch this.",
    } as Record<string, string>,
  },
  upload: {
    title: (name: string) => `Adding to ${isolated(name)}`,
    running: (done: number, total: number) => `Adding ${count(done)} of ${count(total)}…`,
    failed: (number: number) =>
      number === 1 ? "One file was not added" : `${count(number)} files were not added`,
    stopped: (done: number, total: number) => `Stopped: ${count(done)} of ${files(total)} added`,
  },
  download: {
    all: "Download all of it",
    chosen: (number: number) => `Download ${files(number)}`,
    folder: "Into this folder",
    hint: "A path on the computer where kith runs. The node goes on with it by itself, also after a restart.",
    begin: "Download",
    lacksFolder: "Say into which folder.",
    lacksOther: "It could not be there. Choose another folder.",
    begun: "The download has begun",
    begunLink: "See how it goes",
    update: "Update",
    updateTitle: "Bring what you downloaded up to date",
    updateText:
      "There is a newer version. What is new is added, and what you have not touched since is replaced. What you changed stays as you have it, and is named under Transfers; what you deleted does not come again by itself.",
    updateBegun: "It is being brought up to date",
    elsewhere: "All of it, elsewhere…",
  },
  folders: {
    pick: "Pick a folder…",
    title: "Pick a folder",
    text: "On the computer where kith runs. Folders whose name begins with a dot are not shown.",
    places: "Places",
    kinds: {
      home: "Home",
      desktop: "Desktop",
      pictures: "Pictures",
      videos: "Videos",
      documents: "Documents",
      downloads: "Downloads",
      root: "All of it",
    } as Record<string, string>,
    up: "Up",
    list: "Folders",
    now: (number: number) =>
      number === 0
        ? "No folders in here"
        : number === 1
          ? "1 folder in here"
          : `${count(number)} folders in here`,
    cut: "There are more folders than are shown. Type the path of one that is missing.",
    notWritable: "Nothing can be put in here. Pick another folder.",
    choose: "Pick this folder",
    make: "New folder",
    lacksName: "Give it a name.",
    makeLabel: "Name of the new folder",
    makeIt: "Make it",
    notWhole: "Give the whole path; it begins with /.",
  },
  files: {
    title: "Files",
    text: "Whatever is shared, of any kind; albums, too.",
    make: "Share something",
    shares: "Shares",
    mine: "Yours",
    copies: "Copies you pass on",
    copiesText: "You fetched these, and others who may have them get them from you, too.",
    link: "Open a link that you were sent",
    linkPlaceholder: "kith:link1…",
    byLink: "By a link",
    again: "Look again",
    asSeen: "as it was when you looked",
    crumbs: "Folders above",
    entries: "In this folder",
    site: "Open as site",
    asAlbum: "Show as album",
    symlink: "link",
    play: "Play",
    unplayed: "It cannot be played here.",
    emptyTitle: "Nothing is shared yet",
    emptyText: "Share a folder, or ask somebody to share with you.",
    goneTitle: "This is not here",
    folderGoneTitle: "This folder is gone",
    folderGone: "Whoever shares it has removed or renamed it.",
    linkLost: (words: string) => `${words} What is shown is as it was when you looked.`,
    cut: (number: number) => `There is more in this folder; the first ${count(number)} are shown.`,
  },
  transfers: {
    title: "Transfers",
    text: "The node goes on with downloads by itself, also after a restart.",
    running: (number: number) => (number === 1 ? "1 transfer" : `${count(number)} transfers`),
    states: {
      waiting: "waits until somebody who has it is there",
      running: "under way",
      paused: "paused",
      done: "done",
      failed: "failed",
      cancelled: "cancelled",
    } as Record<string, string>,
    absent: "it is not where they share it from: tell them, or wait until it is back",
    examining: "they look at the folder anew: something in it has changed",
    of: (part: string, whole: string) => `${part} of ${whole}`,
    left: (time: string) => `${time} left`,
    from: "from",
    to: "to",
    stranger: "somebody with the link",
    pause: "Pause",
    resume: "Go on",
    pauseAll: "Pause all",
    resumeAll: "Go on with all",
    forget: "Take off the list",
    priority: "How soon",
    levels: { high: "Soon", normal: "Normal", low: "Later" },
    lies: "Lies in",
    elsewhere: "Choose another folder…",
    elsewhereTitle: "Download it into another folder",
    takenAlong: "What has arrived is being taken along. To another disk this takes a while.",
    addMissing: "Add what is missing there",
    cancelTitle: "Cancel this download?",
    cancelText: "What has arrived of it is deleted.",
    keep: "Keep what arrived, for the next time",
    goOn: "Go on with it",
    cancel: "Cancel the download",
    served: "What others get from you now",
    sources: "Who gives what",
    gaveWhat: "Who gave what",
    unknown: "Somebody who has it too",
    byLink: "by a link",
    carriers: {
      lane: "express lane",
      lan: "local network",
      direct: "direct",
      relay: "relayed",
      none: "not any more",
    } as Record<string, string>,
    gave: "came from them",
    rest: "was here already",
    asked: "is asked of them now",
    gives: (name: string, gave: string, asked: string) =>
      `${isolated(name)} gave ${gave === "" ? "nothing so far" : `parts of ${gave}`}${asked === "" ? "" : `; asked now for parts of ${asked}`}`,
    andMore: (number: number) => `and ${count(number)} more`,
    updated: (added: number, replaced: number) =>
      added + replaced === 0
        ? "Nothing was newer than what is here"
        : [
            ...(added > 0 ? [`${files(added)} added`] : []),
            ...(replaced > 0 ? [`${files(replaced)} replaced`] : []),
          ].join(", "),
    kept: {
      changed: stay(
        "Kept as it is here, because it was changed here:",
        "kept as they are here, because they were changed here:",
      ),
      unknown: stay(
        "Kept as it is here, because it was made here, or nothing is known of how it came:",
        "kept as they are here, because they were made here, or nothing is known of how they came:",
      ),
      occupied: stay(
        "Did not come, because something else is in its place here:",
        "did not come, because something else is in their places here:",
      ),
      closed: stay(
        "Did not come, because it cannot be read or written here now:",
        "did not come, because they cannot be read or written here now:",
      ),
      later: stay(
        "Comes by the next update, because no more are replaced at once:",
        "come by the next update, because no more are replaced at once:",
      ),
    } satisfies Record<KeptWhy, (number: number) => string>,
    keptAdvice: {
      changed: "Move it away and update again to have the owner’s.",
      unknown: "Move it away and update again to have the owner’s.",
      occupied: "Move what is there away and update again to have the owner’s.",
      closed: "Open it to yourself, or wait until no other program writes to it, and update again.",
      later: "Update again.",
    } satisfies Record<KeptWhy, string>,
    deleted: (number: number) => `${files(number)} that you deleted did not come again`,
    emptyTitle: "Nothing is on its way",
    emptyText: "Downloads show here, and what others fetch from you.",
  },
  network: {
    title: "Network",
    text: "What this node knows: who it is connected with now, and how. It is not the whole network; nobody sees that.",
    map: "Map of this node’s connections. Arrow keys lead from one person to the next; a table below says the same.",
    table: "Connections",
    connected: "Connected",
    introducer: "Introducer",
    introducers: "Introducers",
    introducerText: "answers when it is asked where somebody is",
    introducerAway: "did not answer when it was asked last",
    introducerBytes:
      "Of an introducer: the round trip of the last question to it, and what connections that are open now took through its relay. The questions themselves are not counted.",
    stranger: "A stranger",
    who: "Who",
    search: "Search by name",
    pointAt: "Point at somebody, or tap them, to see who it is.",
    sent: "Sent",
    received: "Received",
    middle: "Median",
    traffic: "Traffic",
    emptyTitle: "Nobody is there now",
    emptyText: "As soon as somebody is connected, they show here.",
  },
  hours: {
    title: "At certain hours",
    from: "From",
    until: "To",
    upload: "Upload then",
    download: "Download then",
    asUsual: "As usual",
    days: "On these days; on all where none is chosen",
    names: DAYS,
    on: (days: string[]) =>
      days.length === 0 ? "every day" : days.map((day) => DAYS[day] ?? day).join(", "),
    rates: (of: Rates) =>
      (
        [
          ["upload", of.upload],
          ["upload to each", of.upload_each],
          ["download", of.download],
          ["download from each", of.download_each],
        ] as const
      )
        .flatMap(([what, rate]) => (typeof rate === "string" ? [`${what} ${rate}`] : []))
        .join(", "),
    add: "Add these hours",
  },
  settings: {
    title: "Settings",
    you: "You",
    name: "Your name",
    nameHint: "Shown to those you meet, as a suggestion.",
    looks: "Appearance",
    themes: { system: "As the system", light: "Light", dark: "Dark" },
    introducers: "Introducers",
    introducersText:
      "An introducer helps people find each other when their devices changed places. It sees who asks for whom under names that change each day, and nothing of what you share.",
    noIntroducer: "None. Your contacts find you on the same network, or where they last met you.",
    askIntroducers: "Ask introducers",
    askText:
      "Off, none is asked from now on, and none relays from the next start of kith on; their lines stay here.",
    isOff: "not asked",
    others:
      "Besides, an invite can say where its maker is, and contacts tell each other when they meet. Nobody else hears of that.",
    answers: "answers",
    silent: "does not answer",
    addIntroducer: "Add an introducer",
    isNoIntroducer: "This is no introducer. One begins with kith:introducer1.",
    removeIntroducerTitle: "Remove this introducer?",
    removeIntroducerText:
      "It is not asked any more, and its line is forgotten. To use it again you need this line:",
    introducerLine: "Its line",
    add: "Add",
    reach: "Being found",
    lan: "On the local network",
    lanText: "Contacts on the same network find you without anybody’s help.",
    lanNever: "Kith was started without it (“--no-lan”), so it stays off until kith is started without that.",
    contactRelays: "Use relays of my contacts",
    contactRelaysText:
      "Where no introducer answers, a contact who can be reached passes on what you and others say to each other. They see that you talk, and nothing of what.",
    publicServer: "As a public server",
    publicServerText:
      "On, strangers learn the addresses of this computer, and need no relay to reach it. For one that has a public address and is meant to be found.",
    nextStart: "This holds from the next start of kith on.",
    findable: "By whoever knows my PeerId",
    findableText:
      "Off, strangers can find out nothing about you. On, they can tell whether you are there, and ask for what is public.",
    relay: "Relay for my contacts",
    relayText:
      "Where they can reach this computer, two of them who cannot reach each other meet through it. It sees that they talk, and nothing of what.",
    sharing: "Sharing",
    audience: "New albums are for",
    provide: "Pass on what I fetched",
    provideText: "Others who may have it get it from you, too, so that its owner can be away.",
    room: "Room for copies, in MiB",
    roomWrong: (most: number) => `Give a whole number, from 0 to ${count(most)}.`,
    limits: "Limits",
    limitsText:
      "How fast content may move to and from distant people, all together. As “2 MiB/s”, “16 Mbit/s” or “none”.",
    upload: "Upload",
    download: "Download",
    local: "Within the local network, too",
    limitsWrong: (words: string) => `The limits cannot be read now. ${words}`,
    peers: "Other limits hold for",
    now: (upload: string, download: string) => `At this hour: upload ${upload}, download ${download}.`,
    unlimited: "none",
    storage: "Storage",
    stores: {
      albums: "Albums",
      copies: "Trees of shares, copies, pictures without their places",
      partial: "Not whole yet",
      previews: "Small previews of pictures",
      database: "Address book and the rest",
    },
    free: (size: string) => `${size} are free on this disk.`,
    browsers: "Browsers that were let in",
    browserSince: (since: string, seen: string) => `Let in ${since}, last here ${seen}`,
    thisBrowser: "This browser",
    endBrowser: "Let in no more",
    endThisTitle: "Let this browser in no more?",
    endThisText:
      "It is the one you are using: this page shows nothing any more, until you type “kith web --open” in a terminal on this computer.",
    doctor: "Is everything well?",
    examine: "Have a look",
    checks: {
      node: "This node",
      introducers: "Introducers",
      relays: "Relays",
      relaying: "Relaying",
      contacts: "Contacts",
      pending: "Waiting to be let in",
      shares: "What you share",
    } as Record<string, string>,
    about: (version: string) => `kith ${version}`,
    saved: "Saved",
  },
} as const;
